package sqlitestore

import (
	"database/sql"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/go-json-experiment/json/jsontext"
)

// storedMessages has the columns of a turn's messages. A column is NULL if the turn has no such
// messages. Rows that plugins of schema versions before 3 wrote have the texts only, and the texts
// are then the JSON of the whole messages.
type storedMessages struct {
	body, replyBodies sql.Null[[]byte] // the bodies of the first message and of the others, packed
	text, replyTexts  sql.Null[string]
}

// messageColumns lists the columns that pointers scans. It does not read the texts of messages that
// have bodies. The query names the table turns as t.
const messageColumns = `t.body, t.reply_bodies, CASE WHEN t.body IS NULL THEN t.message END,
	CASE WHEN t.reply_bodies IS NULL THEN t.replies END`

func (s *storedMessages) pointers() []any {
	return []any{&s.body, &s.replyBodies, &s.text, &s.replyTexts}
}

// storeMessages returns the columns of a turn's messages.
func storeMessages(messages []storage.Message) storedMessages {
	var s storedMessages
	if len(messages) == 0 {
		return s
	}
	s.body = sql.Null[[]byte]{V: storage.PackBodies(messages[:1]), Valid: true}
	s.text = sql.Null[string]{V: string(appendText(nil, "user", messages[0])), Valid: true}
	s.replyBodies, s.replyTexts = storeReplies(messages[1:])
	return s
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
