package sqlitestore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// document returns a column value for metadata, usage or a record. It returns NULL for an empty document.
func document(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return string(raw)
}

func unreadable(err error) error {
	return fault.New(fault.Internal, "a turn in the database is not as the plugin wrote it: %w", err).By(fault.PartyHost)
}

// stateColumn and numberColumn are the state and the number of a turn. The columns of a retracted turn
// have others, so that plugins of older schema versions leave it out. The query names the table turns
// as t.
const (
	stateColumn  = "iif(t.retracted IS NULL, t.state, 'succeeded')"
	numberColumn = "coalesce(t.retracted, t.number)"
)

// turnColumns lists the columns that turnRow.scan reads from turnTables.
const turnColumns = "t.sequence, " + numberColumn + ", " + stateColumn + `, t.retracted IS NOT NULL, coalesce(r.first, 0), t.reason, t.user, t.started_at, t.ended_at, t.key,
	t.input_tokens, t.output_tokens, t.cached_input_tokens, t.reasoning_tokens, t.usage, t.metadata, t.record, t.messages, ` + messageColumns

const turnTables = " FROM turns t LEFT JOIN retractions r ON r.conversation = t.conversation AND r.sequence = t.sequence"

// turnRow is a turn whose messages are not decoded yet. Decoding them needs no session, so that it
// happens after the transaction.
type turnRow struct {
	turn     storage.Turn
	count    int // how many messages the turn has
	messages storedMessages
}

// tailColumns lists the columns that turnRow.scanTail reads. The query names the table turns as t.
const tailColumns = `t.sequence, t.number, t.user, t.started_at, t.ended_at, t.messages, ` + messageColumns

// scanTail reads what a tail has of a succeeded turn.
func (r *turnRow) scanTail(rows *sql.Rows) error {
	var started, ended int64
	t := &r.turn
	err := rows.Scan(append([]any{&t.Sequence, &t.Number, &t.User, &started, &ended, &r.count}, r.messages.pointers()...)...)
	t.State, t.StartedAt, t.EndedAt = storage.Succeeded, timeOf(started), timeOf(ended)
	return err
}

// tailSize returns at least as many bytes as the turn takes in a tail.
func (r *turnRow) tailSize() int {
	return storage.TailTurnBytes + len(r.turn.User) + r.messages.size(r.count)
}

func (r *turnRow) scan(rows *sql.Rows) error {
	var state string
	var started, ended int64
	var usage, metadata, record sql.Null[string]
	t := &r.turn
	var u chat.Usage
	err := rows.Scan(append([]any{&t.Sequence, &t.Number, &state, &t.Retracted, &t.RetractFrom, &t.Reason, &t.User, &started, &ended, &t.Key,
		&u.InputTokens, &u.OutputTokens, &u.CachedInputTokens, &u.ReasoningTokens,
		&usage, &metadata, &record, &r.count}, r.messages.pointers()...)...)
	if err != nil {
		return err
	}
	if t.State = parseState(state); t.State == 0 {
		return unreadable(fmt.Errorf("state %q", state))
	}
	if t.Usage = json.RawMessage(usage.V); !usage.Valid {
		t.Usage = storage.EncodeUsage(u) // of a plugin of a schema version before 3
	}
	t.StartedAt, t.EndedAt = timeOf(started), timeOf(ended)
	if metadata.Valid {
		t.Metadata = json.RawMessage(metadata.V)
	}
	if record.Valid {
		t.Record = json.RawMessage(record.V)
	}
	return nil
}

// size returns the number of bytes of the fields that can be large.
func (r *turnRow) size() int {
	return r.messages.size(r.count) + len(r.turn.Usage) + len(r.turn.Metadata) + len(r.turn.Record) + len(r.turn.Reason)
}

func (r *turnRow) decode() (t storage.Turn, err error) {
	t = r.turn
	t.Messages, err = r.messages.decode()
	return t, err
}

func parseState(name string) storage.State {
	for s := storage.Running; s <= storage.Interrupted; s++ {
		if s.String() == name {
			return s
		}
	}
	return 0
}

// timeOf is the inverse of the function nanos.
func timeOf(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// nanos returns t in nanoseconds since 1970, as the database stores times. It returns 0 for the
// zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// day returns the number of days since 1970 for a time in nanoseconds, as the column updated_day
// stores it.
func day(nanos int64) int64 { return nanos / int64(24*time.Hour) }

// clampTime returns t in nanoseconds since 1970. It limits t to the range of times that the
// database can represent, because a caller may choose any time.
func clampTime(t time.Time) int64 {
	switch {
	case t.Before(earliest):
		return 0
	case t.After(latest):
		return latest.UnixNano()
	}
	return nanos(t)
}

// earliest and latest bound the times that the database can represent as nanoseconds in 64 bits.
var (
	earliest = time.Unix(0, 1).UTC()
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)
