package storage

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
)

// Message is one message of a turn, as the host encoded it. A storage does not parse the body, and
// returns it byte for byte. The body therefore keeps fields of later versions of the protocol, and a storage
// need not change when messages get new kinds of parts.
//
// EncodeMessages and DecodeMessages are for hosts, and for programs that show what a storage has.
type Message struct {
	// Body has any bytes. Nobody changes them after the message was passed on.
	Body []byte
	// Text is the beginning of the plain text of the message, at most sdk.MaxTextBytes. It is for search, and
	// for people who look into the database. Requests have it. A storage need not return it.
	Text string
}

// EncodeMessage returns the message in its stored form. The same message always has the same form.
// Texts that the protocol cannot carry are cleaned.
func EncodeMessage(m chat.Message) Message {
	body, err := wire.EncodeMessage(m)
	if err != nil { // a text is not UTF-8
		m = m.Clean()
		if body, err = wire.EncodeMessage(m); err != nil {
			panic("storage: a clean message cannot be encoded: " + err.Error()) // cannot happen
		}
	}
	return Message{Body: body, Text: textOf(m)}
}

// textOf returns the text that storages get beside the body.
func textOf(m chat.Message) string {
	text := m.Text()
	if len(text) > sdk.MaxTextBytes {
		text = strings.ToValidUTF8(text[:sdk.MaxTextBytes], "")
	}
	return chat.Clean(text)
}

// EncodeMessages returns the messages in their stored form. It returns nil for no messages.
func EncodeMessages(messages ...chat.Message) []Message {
	if len(messages) == 0 {
		return nil
	}
	out := make([]Message, len(messages))
	for i, m := range messages {
		out[i] = EncodeMessage(m)
	}
	return out
}

// Decode returns the message that EncodeMessage has encoded. It returns fault.Internal for bytes
// that no host has written.
func (m Message) Decode() (chat.Message, error) {
	out, err := wire.DecodeMessage(m.Body)
	if err != nil {
		return chat.Message{}, notWritten(err)
	}
	return out, nil
}

// notWritten returns fault.Internal for a message that cannot be decoded, and blames the plugin.
func notWritten(err error) error {
	return fault.New(fault.Internal, "the storage returned a message that no host has written: %w", err).By(fault.PartyPlugin)
}

// DecodeMessages returns the messages that EncodeMessages has encoded. It returns nil for no
// messages.
func DecodeMessages(messages []Message) ([]chat.Message, error) {
	out, err := wire.DecodeMessages(len(messages), func(i int) []byte { return messages[i].Body })
	if err != nil {
		return nil, notWritten(err)
	}
	return out, nil
}

// EncodeUsage returns the usage as the JSON object that a storage keeps. It returns nil for the
// zero Usage.
func EncodeUsage(u chat.Usage) json.RawMessage {
	if u.IsZero() {
		return nil
	}
	text, err := json.Marshal(u.Bounded())
	if err != nil {
		panic("storage: a usage cannot be encoded: " + err.Error()) // cannot happen: it has counts only
	}
	return text
}

// DecodeUsage returns the usage that EncodeUsage has encoded. It ignores members that it does not
// know. It returns fault.Internal for bytes that no host has written.
func DecodeUsage(raw json.RawMessage) (u chat.Usage, err error) {
	if len(raw) == 0 {
		return u, nil
	}
	if err := json.Unmarshal(raw, &u); err != nil {
		return chat.Usage{}, fault.New(fault.Internal, "the storage returned a usage that no host has written: %w", err).By(fault.PartyPlugin)
	}
	return u.Bounded(), nil
}
