package wire

import (
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/protobuf/proto"
)

// requests are requests of a model in their encoded form.
func requests(t testing.TB) [][]byte {
	plain := Messages([]chat.Message{chat.Text(chat.System, "s"), chat.Text(chat.User, ""), chat.Text(chat.Assistant, "é")})
	var out [][]byte
	for _, r := range []*llmv1.ChatRequest{
		{}, {Messages: plain}, {Messages: Messages(messages())},
		{Call: &chatv1.CallContext{Tenant: "t", Instance: "i"}, Messages: plain, MaxOutputTokens: 7, Overrides: []byte("{}"),
			Tools: []*llmv1.Tool{{Name: "f"}}, ParallelToolCalls: proto.Bool(false), StableMessages: 2},
	} {
		b, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// FuzzUnmarshalChatRequest checks that UnmarshalChatRequest decodes any bytes with the same result as
// the protobuf library.
func FuzzUnmarshalChatRequest(f *testing.F) {
	for _, b := range requests(f) {
		f.Add(b)
		f.Add(append(b, b...))
		f.Add(append(b, 0x98, 0x06, 1)) // a field of a later version
		f.Add(b[:len(b)/2])
	}
	for _, b := range []string{"\x10\x01", "\x12\x00", "\x12\x05\x08\x02\x12\x01\x00", "\x12\x07\x08\x02\x12\x03\x0a\x01\xff", "\x13\x14"} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want, got llmv1.ChatRequest
		wrong := proto.Unmarshal(b, &want)
		if err := UnmarshalChatRequest(b, &got); (err == nil) != (wrong == nil) {
			t.Fatalf("%q: error %v; want %v", b, err, wrong)
		}
		if wrong == nil && !proto.Equal(&got, &want) {
			t.Errorf("%q: got %v; want %v", b, &got, &want)
		}
	})
}

func BenchmarkUnmarshalChatRequest(b *testing.B) {
	all := make([]chat.Message, 11)
	for i := range all {
		all[i] = chat.Text(chat.User, "what is the weather like in Zurich today?")
	}
	body, err := proto.Marshal(&llmv1.ChatRequest{Call: &chatv1.CallContext{Tenant: "t", Instance: "i"}, Messages: Messages(all)})
	if err != nil {
		b.Fatal(err)
	}
	for name, decode := range map[string]func([]byte, *llmv1.ChatRequest) error{
		"wire": UnmarshalChatRequest, "library": func(b []byte, r *llmv1.ChatRequest) error { return proto.Unmarshal(b, r) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(body, &llmv1.ChatRequest{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
