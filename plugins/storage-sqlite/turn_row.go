package sqlitestore

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	jsonv2 "github.com/go-json-experiment/json"
)

// encode returns v as JSON. It does not escape < and >, so that people can read the text in the
// database.
func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fault.New(fault.Invalid, "cannot be kept: %w", err).At("messages")
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// document returns a column value for metadata or a record. It returns NULL for an empty document.
func document(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return string(raw)
}

// messageTexts has the JSON of a turn's messages as in the table turns. first is the first message,
// and others is the list of all other messages.
type messageTexts struct{ first, others sql.Null[string] }

// encodeMessage returns the message as JSON.
func encodeMessage(m storage.Message) (string, error) {
	decoded, err := m.Decode()
	if err != nil {
		return "", err
	}
	return encode(decoded)
}

func encodeMessages(messages []storage.Message) (s messageTexts, err error) {
	if len(messages) > 0 {
		s.first.Valid = true
		if s.first.V, err = encodeMessage(messages[0]); err != nil {
			return s, err
		}
	}
	if len(messages) > 1 {
		s.others.Valid = true
		decoded, err := storage.DecodeMessages(messages[1:])
		if err != nil {
			return s, err
		}
		s.others.V, err = encode(decoded)
		if err != nil {
			return s, err
		}
	}
	return s, err
}

func (s messageTexts) messages() ([]storage.Message, error) {
	var all []chat.Message
	if s.first.Valid {
		all = make([]chat.Message, 1)
		if err := jsonv2.Unmarshal([]byte(s.first.V), &all[0]); err != nil {
			return nil, unreadable(err)
		}
	}
	if s.others.Valid {
		var others []chat.Message
		if err := jsonv2.Unmarshal([]byte(s.others.V), &others); err != nil {
			return nil, unreadable(err)
		}
		all = append(all, others...)
	}
	return storage.EncodeMessages(all...), nil
}

func (s messageTexts) size() int { return len(s.first.V) + len(s.others.V) }

func unreadable(err error) error {
	return fault.New(fault.Internal, "a turn in the database is not as the plugin wrote it: %w", err).By(fault.PartyHost)
}

// turnColumns lists the columns that turnRow.scan reads. The query names the table turns as t.
const turnColumns = `t.sequence, t.number, t.state, t.reason, t.user, t.started_at, t.ended_at, t.key,
	t.input_tokens, t.output_tokens, t.cached_input_tokens, t.reasoning_tokens, t.metadata, t.record, t.message, t.replies`

// turnRow is a turn whose messages are not decoded yet. Decoding them needs no session, so that it
// happens after the transaction.
type turnRow struct {
	turn  storage.Turn
	texts messageTexts
}

func (r *turnRow) scan(rows *sql.Rows) error {
	var state string
	var started, ended int64
	var metadata, record sql.Null[string]
	t := &r.turn
	var u chat.Usage
	err := rows.Scan(&t.Sequence, &t.Number, &state, &t.Reason, &t.User, &started, &ended, &t.Key,
		&u.InputTokens, &u.OutputTokens, &u.CachedInputTokens, &u.ReasoningTokens,
		&metadata, &record, &r.texts.first, &r.texts.others)
	if err != nil {
		return err
	}
	if t.State = parseState(state); t.State == 0 {
		return unreadable(fmt.Errorf("state %q", state))
	}
	t.Usage = storage.EncodeUsage(u)
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
	return r.texts.size() + len(r.turn.Metadata) + len(r.turn.Record) + len(r.turn.Reason)
}

func (r *turnRow) decode() (t storage.Turn, err error) {
	t = r.turn
	t.Messages, err = r.texts.messages()
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
