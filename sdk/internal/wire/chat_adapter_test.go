package wire

import (
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

func TestMessagesComeBackAsTheyWent(t *testing.T) {
	in := []chat.Message{
		chat.Text(chat.System, "s"),
		chat.Text(chat.User, ""),
		{Role: chat.User, Parts: []chat.Part{{Text: "a"}, {Text: "b"}}},
		{Role: chat.User, Parts: []chat.Part{{Image: &chat.Image{MediaType: "image/png", URL: "u"}}}},
		{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "r", Signature: []byte{1}}}, {ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}}}},
		{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "f", Parts: []chat.Part{{Text: "x"}}, IsError: true}}}},
		chat.Text(chat.Assistant, "end"),
	}
	out := MessagesFrom(Messages(in))
	if !reflect.DeepEqual(in, out) {
		t.Errorf("sent %+v\ngot  %+v", in, out)
	}
	// Messages that share an allocation must not share room to grow.
	_ = append(out[0].Parts, chat.Part{Text: "grown"})
	if out[1].Text() != "" {
		t.Error("growing one message's parts changed another")
	}
	if Messages(nil) != nil || MessagesFrom(nil) != nil {
		t.Error("no messages are no list")
	}
}
