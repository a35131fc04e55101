package wire

import (
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// A plain message has a role, one part with a text, and nothing else. Nearly all messages are plain. This
// file encodes and decodes plain messages without the protobuf library, because the library allocates an
// object for each level of a message. It leaves all other messages to the library.

// The tags of the fields of a plain message.
const (
	roleTag  = 1<<3 | byte(protowire.VarintType) // Message.role
	partsTag = 2<<3 | byte(protowire.BytesType)  // Message.parts
	textTag  = 1<<3 | byte(protowire.BytesType)  // Part.text
)

// EncodeMessage returns the encoded form of the message in the protocol. Equal messages have equal
// forms. It returns an error for a text that is not UTF-8.
func EncodeMessage(m chat.Message) ([]byte, error) {
	role := rolesTo[m.Role]
	if role == 0 || len(m.Unknown) > 0 || len(m.Parts) != 1 || !isPlainText(&m.Parts[0]) || !utf8.ValidString(m.Parts[0].Text) {
		return proto.MarshalOptions{Deterministic: true}.Marshal(Message(m))
	}
	text := m.Parts[0].Text
	part := 1 + protowire.SizeBytes(len(text))
	b := make([]byte, 0, 3+protowire.SizeBytes(part))
	b = protowire.AppendVarint(append(b, roleTag), uint64(role))
	b = protowire.AppendVarint(append(b, partsTag), uint64(part))
	return protowire.AppendString(append(b, textTag), text), nil
}

// DecodeMessage returns the message that EncodeMessage, or another version of the protocol, has
// encoded. The message does not share the bytes of b.
func DecodeMessage(b []byte) (chat.Message, error) {
	var part [1]chat.Part
	return decodeMessage(b, &part)
}

// decodeMessage is like DecodeMessage. A plain message uses the memory of part.
func decodeMessage(b []byte, part *[1]chat.Part) (chat.Message, error) {
	if role, text, ok := plainText(b); ok {
		part[0].Text = text
		return chat.Message{Role: roleFrom(role), Parts: part[:]}, nil
	}
	var m chatv1.Message
	if err := proto.Unmarshal(b, &m); err != nil {
		return chat.Message{}, err
	}
	return MessageFrom(&m), nil
}

// DecodeMessages returns n messages. body(i) returns the encoded form of message i, counted from 0.
// DecodeMessages allocates the parts of all plain messages together. It returns the first error.
func DecodeMessages(n int, body func(i int) []byte) ([]chat.Message, error) {
	if n == 0 {
		return nil, nil
	}
	out, parts := make([]chat.Message, n), make([][1]chat.Part, n)
	for i := range out {
		var err error
		if out[i], err = decodeMessage(body(i), &parts[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// plainText returns the role and the text of an encoded plain message. ok is false if the message is
// not plain, or if its fields are not in the order of EncodeMessage.
func plainText(b []byte) (role chatv1.Role, text string, ok bool) {
	if len(b) < 3 || b[0] != roleTag || b[1] >= 0x80 || b[2] != partsTag {
		return 0, "", false
	}
	part, n := protowire.ConsumeBytes(b[3:])
	if n != len(b)-3 || len(part) == 0 || part[0] != textTag {
		return 0, "", false
	}
	value, n := protowire.ConsumeBytes(part[1:])
	if n != len(part)-1 || !utf8.Valid(value) {
		return 0, "", false
	}
	return chatv1.Role(b[1]), string(value), true
}
