package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func messages() []chat.Message {
	return []chat.Message{
		chat.Text(chat.System, "s"),
		chat.Text(chat.User, ""),
		{Role: chat.User, Parts: []chat.Part{{Text: "a"}, {Text: "b"}}},
		{Role: chat.User, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", URL: "u"}}}},
		{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "r"}, State: &chat.ProviderState{Data: []byte{1}}}, {ToolCall: &chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}}}},
		{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Name: "f", Parts: []chat.Part{{Text: "x"}}, IsError: true}}}},
		{Role: chat.Assistant, Parts: []chat.Part{
			{Reasoning: &chat.Reasoning{}, State: &chat.ProviderState{Maker: "m", Data: []byte{9}}},
			{Text: "cited", Citations: []chat.Citation{{Start: 1, End: 3, URL: "u", Document: "d", Title: "t", Quote: "q"}, {}}},
			{Refusal: &chat.Refusal{Text: "no"}}, {Other: &chat.Other{Type: "x.y", Data: []byte{0, 255}}},
			{Media: &chat.Media{Kind: chat.Audio, MediaType: "audio/wav", Data: []byte{1}, Name: "a.wav"}},
			{Media: &chat.Media{Kind: chat.File, Reference: "file-1"}},
			{ToolCall: &chat.ToolCall{ID: "2"}, State: &chat.ProviderState{Data: []byte{1}}},
		}},
		{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "2", Parts: []chat.Part{}, Structured: []byte(`{}`)}}}},
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

// TestMessage_unknownFields checks that fields which this version does not know, wherever they
// stand, come back as they were.
func TestMessage_unknownFields(t *testing.T) {
	added := protoreflect.RawFields(protowire.AppendString(protowire.AppendTag(nil, 1000, protowire.BytesType), "later"))
	for i, m := range Messages(messages()) {
		if text, ok := m.Parts[0].Part.(*chatv1.Part_Text); ok && text.Text == "" {
			continue // with unknown fields, an empty text is read as a part of an unknown kind
		}
		count := 0
		addUnknown(m.ProtoReflect(), added, &count)
		if back := Message(MessageFrom(m)); !proto.Equal(back, m) {
			t.Errorf("message %d with %d additions: sent %v, got %v", i, count, m, back)
		}
		if chat.Size([]chat.Message{MessageFrom(m)}) < proto.Size(m)+8 {
			t.Errorf("message %d takes more than its size says", i)
		}
	}
	kind := &chatv1.Message{Parts: []*chatv1.Part{{}}} // of a kind that this version does not know
	kind.Parts[0].ProtoReflect().SetUnknown(added)
	got := MessageFrom(kind)
	if got.Parts[0].Kind() != chat.KindUnknown || !proto.Equal(Message(got), kind) {
		t.Errorf("got %+v", got)
	}
}

// addUnknown adds the fields to m and to every message in it.
func addUnknown(m protoreflect.Message, fields protoreflect.RawFields, count *int) {
	m.SetUnknown(fields)
	*count++
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				addUnknown(v.List().Get(i).Message(), fields, count)
			}
		case f.Message() != nil:
			addUnknown(v.Message(), fields, count)
		}
		return true
	})
}

// TestMessage_size: no message takes more bytes in the protocol than its size says,
// whatever it is made of.
func TestMessage_size(t *testing.T) {
	many := chat.Message{Role: chat.Assistant}
	for range 1000 {
		many.Parts = append(many.Parts, chat.Part{}, chat.Part{ToolCall: &chat.ToolCall{}}, chat.Part{ToolResult: &chat.ToolResult{Parts: make([]chat.Part, 3)}})
	}
	large := func(s string) string { return strings.Repeat(s, 1<<20) }
	all := append(messages(), many, chat.Message{}, chat.Text(chat.User, large("\u0001")), chat.Text(chat.User, large("€")),
		chat.Message{Role: chat.User, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte(large("x"))}}}},
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
