package storagetest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// said returns a user's message with the text, as a host encodes it.
func said(text string) storage.Message { return storage.EncodeMessage(chat.Text(chat.User, text)) }

// reply returns the reply to a message with the text, as a host encodes it.
func reply(text string) storage.Message {
	return storage.EncodeMessage(chat.Text(chat.Assistant, "re: "+text))
}

// textOf returns the text in the body of a message. For a body that no host has written, it returns
// words that say so.
func textOf(m storage.Message) string {
	decoded, err := m.Decode()
	if err != nil {
		return fmt.Sprintf("(a body of %d bytes that is no message)", len(m.Body))
	}
	return decoded.Text()
}

// texts returns the texts in the bodies of the messages.
func texts(messages []storage.Message) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, textOf(m))
	}
	return out
}

// messagesOf returns the messages of the turns, in order.
func messagesOf(turns []storage.Turn) (all []storage.Message) {
	for _, t := range turns {
		all = append(all, t.Messages...)
	}
	return all
}

// tailTexts returns the texts in the bodies of the messages of a tail.
func tailTexts(s *storage.Started) []string { return texts(messagesOf(s.Tail)) }

// sameMessages returns an error if the bodies of got and want differ. A storage may leave out the
// texts beside the bodies.
func sameMessages(what string, got, want []storage.Message) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d messages %q; want %d, %q", what, len(got), texts(got), len(want), texts(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Body, want[i].Body) {
			return fmt.Errorf("%s: message %d is %s; want %s", what, i+1, shown(got[i]), shown(want[i]))
		}
	}
	return nil
}

// shown returns the JSON of the message in the body, or the bytes of a body that is none.
func shown(m storage.Message) string {
	if decoded, err := m.Decode(); err == nil {
		if text, err := json.Marshal(decoded); err == nil {
			return fmt.Sprintf("%s of %d bytes", brief(text), len(m.Body))
		}
	}
	return fmt.Sprintf("%q", m.Body[:min(len(m.Body), 100)])
}
