package pgstore

import (
	"strings"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/go-json-experiment/json/jsontext"
)

// stored has the columns of the messages with which a turn begins, or of its other messages. Both are
// nil, which is SQL's NULL, if there are none.
type stored struct {
	bodies []byte // the packed bodies
	texts  any    // JSON with the texts, as a string
}

// storeFirst returns the columns of the messages with which a turn begins. Its JSON is a single
// message with all their texts, because plugins of schema version 2 expect one.
func storeFirst(messages []storage.Message) stored {
	if len(messages) == 0 {
		return stored{}
	}
	texts := make([]string, 0, len(messages))
	for _, m := range messages {
		if m.Text != "" {
			texts = append(texts, m.Text)
		}
	}
	return stored{storage.PackBodies(messages), string(appendText(nil, "user", strings.Join(texts, "\n\n")))}
}

// storeReplies returns the columns of the messages after the first.
func storeReplies(replies []storage.Message) stored {
	if len(replies) == 0 {
		return stored{}
	}
	texts := []byte{'['}
	for i, m := range replies {
		if i > 0 {
			texts = append(texts, ',')
		}
		texts = appendText(texts, "assistant", m.Text)
	}
	return stored{storage.PackBodies(replies), string(append(texts, ']'))}
}

// appendText appends the JSON of a message that has the text and nothing else. Plugins of schema
// version 2 read it as the message. The role is that of nearly all messages at this place, since the
// plugin does not know the role itself.
func appendText(b []byte, role, text string) []byte {
	b = append(b, `{"role":"`+role+`","parts":[{"text":`...)
	b, err := jsontext.AppendQuote(b, text)
	if err != nil { // cannot happen, because the text has been checked
		b = append(b, `""`...)
	}
	return append(b, `}]}`...)
}

// appendMessages appends the messages of a row. message and replies are the JSON of the parts of the
// turn that a plugin of a schema version before 3 has written, and nil for other parts.
func appendMessages(all []storage.Message, message, replies, body, replyBodies []byte) (_ []storage.Message, err error) {
	for _, part := range [][2][]byte{{body, message}, {replyBodies, replies}} {
		switch {
		case part[0] != nil:
			all, err = storage.AppendPacked(all, part[0])
		case part[1] != nil:
			all, err = storage.AppendLegacy(all, part[1])
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
