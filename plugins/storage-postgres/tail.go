package pgstore

import (
	"slices"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// tailRows collects the messages of a tail as a single JSON text, newest turn first, so that one
// call decodes all messages. The zero value is empty.
type tailRows struct {
	text []byte
	cut  bool // the bound in bytes left at least one turn out
}

// add appends the message and the replies of a turn. replies is nil for a turn without replies.
func (t *tailRows) add(message, replies []byte) {
	if replies == nil {
		replies = []byte("null")
	}
	if t.text == nil {
		t.text = make([]byte, 0, 4<<10)
	}
	t.text = append(t.text, ",[["...)
	t.text = append(t.text, message...)
	t.text = append(t.text, "],"...)
	t.text = append(t.text, replies...)
	t.text = append(t.text, ']')
}

// read reads the rows of the statement tail. If the pipeline is run again, read is called again and
// overwrites the first result.
func (t *tailRows) read(rows pgx.Rows) error {
	*t = tailRows{}
	for rows.Next() {
		raw := rows.RawValues()
		// The server sends the boolean as text or in the binary format.
		if t.cut = raw[2][0] == 't' || raw[2][0] == 1; t.cut {
			break
		}
		t.add(raw[0], raw[1])
	}
	return rows.Err()
}

// messages returns the newest messages, oldest first. It returns at most limit messages.
func (t *tailRows) messages(limit int) ([]storage.Message, error) {
	if t.text == nil {
		return nil, nil
	}
	t.text[0] = '['
	var turns [][2][]chat.Message
	if err := decode(append(t.text, ']'), &turns); err != nil {
		return nil, err
	}
	have := 0
	for _, turn := range turns {
		have += len(turn[0]) + len(turn[1])
	}
	all := make([]chat.Message, 0, have)
	for _, turn := range slices.Backward(turns) {
		all = append(append(all, turn[0]...), turn[1]...)
	}
	return storage.EncodeMessages(all[max(0, have-limit):]...), nil
}
