package bot

import (
	"encoding/json"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Turn is a turn of a conversation's log. It is a [storage.Turn] whose messages and usage are
// decoded.
type Turn struct {
	Sequence  int64
	Number    int64
	State     storage.State
	Reason    string
	User      string
	Messages  []chat.Message
	Usage     chat.Usage
	StartedAt time.Time
	EndedAt   time.Time
	Metadata  json.RawMessage
	Record    json.RawMessage
	Key       string
	// RetractFrom and Retracted are those of storage.Turn.
	RetractFrom int64
	Retracted   bool
	size        int
}

// Size returns an estimate of the bytes that the turn takes in memory. The estimate is not too
// small.
func (t *Turn) Size() int { return t.size }

// TurnPage is one page of a conversation's log.
type TurnPage struct {
	Turns []Turn
	More  bool
}

// decodeTurn returns the turn that a storage returned. It returns an error if the storage
// returned messages that no host has written.
func decodeTurn(t *storage.Turn) (Turn, error) {
	out := Turn{
		Sequence: t.Sequence, Number: t.Number, State: t.State, Reason: t.Reason, User: t.User, StartedAt: t.StartedAt,
		EndedAt: t.EndedAt, Metadata: t.Metadata, Record: t.Record, Key: t.Key, RetractFrom: t.RetractFrom, Retracted: t.Retracted, size: t.Size(),
	}
	var err error
	if out.Messages, err = storage.DecodeMessages(t.Messages); err != nil {
		return out, err
	}
	out.Usage, err = storage.DecodeUsage(t.Usage)
	return out, err
}

// decodePage returns the page that a storage returned.
func decodePage(page *storage.TurnPage) (*TurnPage, error) {
	out := &TurnPage{More: page.More, Turns: make([]Turn, len(page.Turns))}
	for i := range page.Turns {
		var err error
		if out.Turns[i], err = decodeTurn(&page.Turns[i]); err != nil {
			return nil, err
		}
		page.Turns[i] = storage.Turn{} // frees the memory of the encoded turn
	}
	return out, nil
}
