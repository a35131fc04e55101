package sqlitestore

import (
	"database/sql"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/go-json-experiment/json/jsontext"
)

// storedMessages has the columns of a turn's messages. A column is NULL if the turn has no such
// messages. Rows that plugins of schema versions before 3 wrote have the texts only, and the texts
// are then the JSON of the whole messages.
type storedMessages struct {
	body, replyBodies sql.Null[[]byte] // the bodies of the first messages and of the others, packed
	text, replyTexts  sql.Null[string]
}

// messageColumns lists the columns that pointers scans. It does not read the texts of messages that
// have bodies. The query names the table turns as t.
const messageColumns = `t.body, t.reply_bodies, CASE WHEN t.body IS NULL THEN t.message END,
	CASE WHEN t.reply_bodies IS NULL THEN t.replies END`

func (s *storedMessages) pointers() []any {
	return []any{&s.body, &s.replyBodies, &s.text, &s.replyTexts}
}

// storeMessages returns the columns of the messages of a turn that ended elsewhere. It is not known
// with how many of them the turn began, so that the first columns have the first message only.
func storeMessages(messages []storage.Message) storedMessages {
	if len(messages) == 0 {
		return storedMessages{}
	}
	s := storeFirst(messages[:1])
	s.replyBodies, s.replyTexts = storeReplies(messages[1:])
	return s
}

// storeFirst returns the columns of the messages with which a turn begins: one or more. The text is
// the JSON of one message with all their texts, because the column has always had one.
func storeFirst(messages []storage.Message) storedMessages {
	return storedMessages{
		body: sql.Null[[]byte]{V: storage.PackBodies(messages), Valid: true},
		text: sql.Null[string]{V: string(appendText(nil, "user", storage.Message{Text: joinTexts(messages)})), Valid: true},
	}
}

// joinTexts joins the texts of the messages with blank lines, up to the length that the text of one
// message may have.
func joinTexts(messages []storage.Message) string {
	if len(messages) == 1 {
		return messages[0].Text
	}
	var text strings.Builder
	for _, m := range messages {
		if m.Text == "" {
			continue
		}
		if text.Len() > 0 {
			text.WriteString("\n\n")
		}
		text.WriteString(m.Text[:min(len(m.Text), max(0, sdk.MaxTextBytes-text.Len()))])
		if text.Len() >= sdk.MaxTextBytes {
			break
		}
	}
	return strings.ToValidUTF8(text.String(), "")
}

// storeReplies returns the columns of the messages after the first.
func storeReplies(replies []storage.Message) (bodies sql.Null[[]byte], texts sql.Null[string]) {
	if len(replies) == 0 {
		return bodies, texts
	}
	text := []byte{'['}
	for i, m := range replies {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendText(text, "assistant", m)
	}
	return sql.Null[[]byte]{V: storage.PackBodies(replies), Valid: true}, sql.Null[string]{V: string(append(text, ']')), Valid: true}
}

// appendText appends the JSON of a message that has the text and nothing else. Plugins of schema
// version 2 read it as the message. The role is that of nearly all messages at this place, since the
// plugin does not know the role itself.
func appendText(b []byte, role string, m storage.Message) []byte {
	b = append(b, `{"role":"`+role+`","parts":[{"text":`...)
	b, err := jsontext.AppendQuote(b, m.Text)
	if err != nil { // cannot happen, because the text has been checked
		b = append(b, `""`...)
	}
	return append(b, `}]}`...)
}

// decode returns the messages.
func (s *storedMessages) decode() (all []storage.Message, err error) {
	for _, part := range []struct {
		bodies sql.Null[[]byte]
		text   sql.Null[string]
	}{{s.body, s.text}, {s.replyBodies, s.replyTexts}} {
		switch {
		case part.bodies.Valid:
			all, err = storage.AppendPacked(all, part.bodies.V)
		case part.text.Valid:
			all, err = storage.AppendLegacy(all, []byte(part.text.V))
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// size returns at least as many bytes as the messages take in the protocol.
func (s *storedMessages) size(messages int) int {
	return storage.PackedSize(s.body.V, messages) + len(s.replyBodies.V) + len(s.text.V) + len(s.replyTexts.V)
}
