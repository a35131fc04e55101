package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/proto"
)

func messages() []chat.Message {
	return []chat.Message{
		chat.Text(chat.System, "s"),
		chat.Text(chat.User, ""),
		{Role: chat.User, Parts: []chat.Part{{Text: "a"}, {Text: "b"}}},
		{Role: chat.User, Parts: []chat.Part{{Image: &chat.Image{MediaType: "image/png", URL: "u"}}}},
		{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "r", Signature: []byte{1}}}, {ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}}}},
		{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "f", Parts: []chat.Part{{Text: "x"}}, IsError: true}}}},
		chat.Text(chat.Assistant, "end"),
	}
}

func TestMessages_roundTrip(t *testing.T) {
	in := messages()
	out := MessagesFrom(Messages(in))
	if !reflect.DeepEqual(in, out) {
		t.Errorf("sent %+v\ngot  %+v", in, out)
	}
	// MessagesFrom allocates the parts of several messages together. Appending to the parts of one
	// message must not overwrite the parts of the next message.
	_ = append(out[0].Parts, chat.Part{Text: "grown"})
	if out[1].Text() != "" {
		t.Error("growing one message's parts changed another")
	}
	if Messages(nil) != nil || MessagesFrom(nil) != nil {
		t.Error("no messages are no list")
	}
}

// TestMessage_size checks that a message takes at most Message.Size bytes in the protocol, for
// every kind of part.
func TestMessage_size(t *testing.T) {
	many := chat.Message{Role: chat.Assistant}
	for range 1000 {
		many.Parts = append(many.Parts, chat.Part{}, chat.Part{ToolCall: &chat.ToolCall{}}, chat.Part{ToolResult: &chat.ToolResult{Parts: make([]chat.Part, 3)}})
	}
	large := func(s string) string { return strings.Repeat(s, 1<<20) }
	all := append(messages(), many, chat.Message{}, chat.Text(chat.User, large("\u0001")), chat.Text(chat.User, large("€")),
		chat.Message{Role: chat.User, Parts: []chat.Part{{Image: &chat.Image{MediaType: "image/png", Data: []byte(large("x"))}}}},
		chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{Name: large("n"), Parts: []chat.Part{{Text: large("t")}}}}}})
	sum := 0
	for _, m := range all {
		// In a list, a message also has a tag and a length, which take up to 8 bytes.
		sum += m.Size()
		if need := proto.Size(&chatv1.Message{Role: rolesTo[m.Role], Parts: parts(m.Parts)}) + 8; need > m.Size() {
			t.Errorf("a message of size %d takes %d bytes: %.200v", m.Size(), need, m)
		}
	}
	if got := chat.Size(all); got != sum {
		t.Errorf("together they have %d bytes; want %d", got, sum)
	}
}
