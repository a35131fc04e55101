package wire

import (
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// requestMessages is the number of the field ChatRequest.messages.
const requestMessages = 2

// UnmarshalChatRequest decodes b into r, with the same result as proto.Unmarshal. It allocates all
// plain messages together. The protobuf library decodes everything else. r does not share the bytes of
// b.
func UnmarshalChatRequest(b []byte, r *llmv1.ChatRequest) error {
	n, rest := 0, make([]byte, 0, 256)
	for left := b; len(left) > 0; {
		number, kind, size := protowire.ConsumeField(left)
		if size < 0 {
			return proto.Unmarshal(b, r) // returns the error
		}
		if number == requestMessages && kind == protowire.BytesType {
			n++
		} else {
			rest = append(rest, left[:size]...)
		}
		left = left[size:]
	}
	if err := proto.Unmarshal(rest, r); err != nil || n == 0 {
		return err
	}
	r.Messages = make([]*chatv1.Message, 0, n)
	block := make([]textMessage, n)
	for left := b; len(left) > 0; {
		number, kind, size := protowire.ConsumeField(left)
		if number == requestMessages && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(left)
			m, err := unmarshalMessage(first(protowire.ConsumeBytes(left[tag:])), &block[len(r.Messages)])
			if err != nil {
				return err
			}
			r.Messages = append(r.Messages, m)
		}
		left = left[size:]
	}
	return nil
}

// first returns the first of two results.
func first(b []byte, _ int) []byte { return b }

// unmarshalMessage decodes a message. A plain message uses the memory of t.
func unmarshalMessage(b []byte, t *textMessage) (*chatv1.Message, error) {
	if role, text, ok := plainText(b); ok {
		return t.fill(role, text), nil
	}
	m := &chatv1.Message{}
	return m, proto.Unmarshal(b, m)
}

// fill returns the plain message with the role and the text, in the memory of t.
func (t *textMessage) fill(role chatv1.Role, text string) *chatv1.Message {
	t.text.Text = text
	t.part.Part = &t.text
	t.parts[0] = &t.part
	t.message.Role, t.message.Parts = role, t.parts[:]
	return &t.message
}
