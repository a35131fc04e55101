package pgstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// turnRow is a row with the columns of turnColumns. All columns may be null, because some queries
// also return rows that are not turns.
type turnRow struct {
	sequence, number         *int64
	state, reason, user, key *string
	message, replies         []byte // JSON; nil if there are bodies
	body, replyBodies        []byte
	usage, metadata, record  []byte
	started, ended           *time.Time
	retractFrom              *int64
	retracted                *bool
}

// columns returns pointers to the fields in the order of turnColumns.
func (r *turnRow) columns() []any {
	return []any{&r.sequence, &r.number, &r.state, &r.reason, &r.user, &r.message, &r.replies, &r.body, &r.replyBodies, &r.usage, &r.metadata, &r.record,
		&r.key, &r.started, &r.ended, &r.retractFrom, &r.retracted}
}

var states = map[string]storage.State{
	"running": storage.Running, "succeeded": storage.Succeeded, "failed": storage.Failed, "interrupted": storage.Interrupted,
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
	if r.retractFrom != nil {
		t.RetractFrom = *r.retractFrom
	}
	if r.retracted != nil {
		t.Retracted = *r.retracted
	}
	if r.key != nil {
		t.Key = *r.key
	}
	if r.ended != nil {
		t.EndedAt = r.ended.UTC()
	}
	var err error
	t.Messages, err = appendMessages(nil, r.message, r.replies, r.body, r.replyBodies)
	return t, err
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
