package jsonstream

import (
	"bytes"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

// largest is an io.Writer that records the size of the largest write.
type largest struct {
	bytes.Buffer
	piece int
}

func (l *largest) Write(b []byte) (int, error) {
	l.piece = max(l.piece, len(b))
	return l.Buffer.Write(b)
}

// TestLongTexts checks that writing piece by piece writes the same JSON as Encode returns.
func TestLongTexts(t *testing.T) {
	long := []string{
		"short", strings.Repeat("x", Long), strings.Repeat("x", Long+1), strings.Repeat("\u0001", 5*Long), strings.Repeat("é☃🙂", Long),
		strings.Repeat("<\"\\\u2028\n", Long), strings.Repeat("\ufffd", Long),
	}
	var parts []chat.Part
	for _, text := range long {
		parts = append(parts, chat.Part{Text: text}, chat.Part{Reasoning: &chat.Reasoning{Text: text}, State: &chat.ProviderState{Data: []byte{1}}},
			chat.Part{ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: text}},
			chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: text}, {}}}})
	}
	message := chat.Message{Role: chat.User, Parts: parts}
	want, err := Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	var texts LongTexts
	var got largest
	replaced := message
	replaced.Parts = texts.ReplaceParts(parts)
	if err := texts.Write(&got, replaced); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("Write wrote %d bytes, which differ from the %d bytes of Encode", got.Len(), len(want))
	}
	if got.piece > 6*Long+len(parts)*200 {
		t.Errorf("a piece has %d bytes", got.piece)
	}
	if again, _ := Encode(message); !bytes.Equal(again, want) {
		t.Error("the message was changed")
	}
}
