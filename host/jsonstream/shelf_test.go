package jsonstream

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

// largest is an io.Writer that knows the largest piece that it was given.
type largest struct {
	bytes.Buffer
	piece int
}

func (l *largest) Write(b []byte) (int, error) {
	l.piece = max(l.piece, len(b))
	return l.Buffer.Write(b)
}

// TestShelf holds that what is written piece by piece is what would be written at once.
func TestShelf(t *testing.T) {
	long := []string{
		"short", strings.Repeat("x", Long), strings.Repeat("x", Long+1), strings.Repeat("\u0001", 5*Long), strings.Repeat("é☃🙂", Long),
		strings.Repeat("<\"\\\u2028\n", Long), strings.Repeat("\ufffd", Long),
	}
	var parts []chat.Part
	for _, text := range long {
		parts = append(parts, chat.Part{Text: text}, chat.Part{Reasoning: &chat.Reasoning{Text: text, Signature: []byte{1}}},
			chat.Part{ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: text}},
			chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: text}, {}}}})
	}
	message := chat.Message{Role: chat.User, Parts: parts}
	want, err := Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	var shelf Shelf
	var got largest
	shelved := message
	shelved.Parts = shelf.ShelveParts(parts)
	if err := shelf.Write(&got, shelved); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes are written otherwise than at once, which are %d", got.Len(), len(want))
	}
	if got.piece > 6*Long+len(parts)*200 {
		t.Errorf("a piece has %d bytes", got.piece)
	}
	if again, _ := Encode(message); !bytes.Equal(again, want) {
		t.Error("the message was changed")
	}
}

func TestFirstPiece(t *testing.T) {
	for text := strings.Repeat("é☃🙂", 10); text != ""; {
		piece := FirstPiece(text, 7)
		if piece == "" || len(piece) > 7 || strings.ToValidUTF8(piece, "?") != piece {
			t.Fatalf("%q of %q", piece, text)
		}
		text = text[len(piece):]
	}
}

func TestValues(t *testing.T) {
	for src, want := range map[string]int{
		``: 0, `{}`: 1, `[]`: 1, `{"a":1,"b":[1,2]}`: 4, `"{[,"`: 0, `{"a\"{[,":"\\",",":1}`: 2, `[[],{},null]`: 5,
	} {
		if got := Values([]byte(src)); got != want {
			t.Errorf("%s has %d; want %d", src, got, want)
		}
	}
	deep, _ := json.Marshal(map[string]any{"a": strings.Repeat("{", 1000)})
	if got := Values(deep); got != 1 {
		t.Errorf("a text with braces has %d", got)
	}
}
