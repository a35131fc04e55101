package pgstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	jsonv2 "github.com/go-json-experiment/json"
)

// turnRow is a row with the columns of turnColumns. All columns may be null, because some queries
// also return rows that are not turns.
type turnRow struct {
	sequence, number         *int64
	state, reason, user, key *string
	message, replies         []byte
	usage, metadata, record  []byte
	started, ended           *time.Time
}

// columns returns pointers to the fields in the order of turnColumns.
func (r *turnRow) columns() []any {
	return []any{&r.sequence, &r.number, &r.state, &r.reason, &r.user, &r.message, &r.replies, &r.usage, &r.metadata, &r.record,
		&r.key, &r.started, &r.ended}
}

var states = map[string]storage.State{
	"running": storage.Running, "succeeded": storage.Succeeded, "failed": storage.Failed, "interrupted": storage.Interrupted,
}

// messages decodes the user's message and the replies.
func (r *turnRow) messages() ([]storage.Message, error) {
	if r.message == nil {
		return nil, nil
	}
	all := make([]chat.Message, 1, 2)
	if err := decode(r.message, &all[0]); err != nil {
		return nil, err
	}
	if r.replies == nil {
		return storage.EncodeMessages(all...), nil
	}
	var replies []chat.Message
	if err := decode(r.replies, &replies); err != nil {
		return nil, err
	}
	return storage.EncodeMessages(append(all, replies...)...), nil
}

// turn converts a row that is a turn.
func (r *turnRow) turn() (storage.Turn, error) {
	t := storage.Turn{
		Sequence: *r.sequence, State: states[*r.state], Reason: *r.reason, User: *r.user, StartedAt: r.started.UTC(),
		Metadata: bytes.Clone(r.metadata), Record: bytes.Clone(r.record), Usage: bytes.Clone(r.usage),
	}
	if r.number != nil {
		t.Number = *r.number
	}
	if r.key != nil {
		t.Key = *r.key
	}
	if r.ended != nil {
		t.EndedAt = r.ended.UTC()
	}
	var err error
	if t.Messages, err = r.messages(); err != nil {
		return t, err
	}
	return t, err
}

// decode parses JSON that this plugin has written.
func decode(text []byte, into any) error {
	if err := jsonv2.Unmarshal(text, into); err != nil {
		return fault.New(fault.Internal, "a row of the table turns is not what this plugin writes: %w", err).By(fault.PartyPlugin)
	}
	return nil
}

// encode returns v as JSON. It does not escape < and >, so that people can read the text with psql.
func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fault.New(fault.Invalid, "cannot be kept as JSON: %w", err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// encodeList returns the messages as JSON, or nil for SQL's NULL if there are no messages.
func encodeList(messages []storage.Message) (any, error) {
	decoded, err := storage.DecodeMessages(messages)
	if err != nil || len(decoded) == 0 {
		return nil, err
	}
	text, err := encode(decoded)
	return text, err
}

// encodeMessage returns the message as JSON.
func encodeMessage(m storage.Message) (string, error) {
	decoded, err := m.Decode()
	if err != nil {
		return "", err
	}
	return encode(decoded)
}

// object returns the JSON as text, or nil for SQL's NULL if it is empty.
func object(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return string(raw)
}

// text returns v as text. It returns "" for nil, because the arrays of an import have no NULL in
// them.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
