package storage

import (
	"encoding/json"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// AppendLegacy appends the messages of a JSON text that plugins wrote before storages kept the
// bodies of messages: one message, or a list of messages, in the JSON form of package chat. A
// storage that has such texts reads them with AppendLegacy for ever. It returns fault.Internal for
// another text.
func AppendLegacy(messages []Message, text []byte) ([]Message, error) {
	var list []chat.Message
	if len(text) > 0 && text[0] != '[' {
		list = make([]chat.Message, 1)
		if err := json.Unmarshal(text, &list[0]); err != nil {
			return nil, notLegacy(err)
		}
	} else if err := json.Unmarshal(text, &list); err != nil {
		return nil, notLegacy(err)
	}
	for _, m := range list {
		messages = append(messages, Message{Body: EncodeMessage(m).Body})
	}
	return messages, nil
}

func notLegacy(err error) error {
	return fault.New(fault.Internal, "a turn in the database is not as a plugin wrote it: %w", err).By(fault.PartyPlugin)
}
