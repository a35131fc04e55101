package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.Importer = (*Store)(nil)

// Import implements [storage.Importer].
func (s *Store) Import(ctx context.Context, req *storage.ImportRequest) (appended int64, err error) {
	if err := cmp.Or(req.ValidateText(), checkTimes(req.Turns)); err != nil || len(req.Turns) == 0 {
		return 0, err
	}
	all := make([]storedMessages, len(req.Turns))
	for i, t := range req.Turns {
		all[i] = storeMessages(t.Messages)
	}
	err = s.write(ctx, func(tx *session) (err error) {
		appended, err = importTurns(tx, req.Call, req.Turns, all)
		return err
	})
	return appended, err
}

// importTurns appends those of the turns that the conversation does not have yet. It returns
// fault.Conflict if the new turns leave a gap after the existing turns. all has the messages of each turn.
func importTurns(tx *session, call sdk.Call, turns []storage.Turn, all []storedMessages) (int64, error) {
	c, err := findConversation(tx, call)
	if err != nil {
		return 0, err
	}
	if c == nil {
		// The first turn determines when the conversation was created.
		if c, err = addConversation(tx, call, nanos(turns[0].StartedAt)); err != nil {
			return 0, err
		}
	}
	if c.running != 0 {
		return 0, fault.New(fault.Conflict, "a turn is running in the conversation")
	}
	there, err := countExisting(tx, c, turns)
	if err != nil {
		return 0, err
	}
	turns, all = turns[there:], all[there:]
	if len(turns) == 0 {
		return 0, nil
	}
	if first := turns[0].Sequence; first != c.sequence+1 {
		return 0, fault.New(fault.Conflict, "turn %d does not follow on the %d that are there", first, c.sequence).At("turns")
	}
	if c.user != call.User {
		return 0, fault.New(fault.Conflict, "the conversation belongs to another user").At("user")
	}
	updated := c.updated
	for i, t := range turns {
		if t.RetractFrom > 0 {
			if err := c.importRetraction(tx, t); err != nil {
				return 0, err
			}
		}
		if t.State == storage.Succeeded {
			if c.turns++; t.Number != c.turns {
				return 0, fault.New(fault.Conflict, "turn %d has number %d where %d belongs", t.Sequence, t.Number, c.turns).At("turns")
			}
		}
		if err := c.append(tx, t, all[i]); err != nil {
			return 0, err
		}
		updated = max(updated, nanos(t.EndedAt))
	}
	_, err = tx.exec("UPDATE conversations SET sequence = ?, turns = ?, retracted = ?, updated_at = ? WHERE id = ?",
		turns[len(turns)-1].Sequence, c.turns, c.retracted, updated, c.id)
	if err != nil {
		return 0, err
	}
	return int64(len(turns)), c.updateDay(tx, updated)
}

// countExisting returns how many of the turns the conversation already has. It returns
// fault.Conflict if a turn differs from the existing turn with the same sequence.
func countExisting(tx *session, c *conversation, turns []storage.Turn) (n int, err error) {
	err = tx.each(func(r *sql.Rows) (bool, error) {
		var sequence, number int64
		var state string
		if err := r.Scan(&sequence, &number, &state); err != nil {
			return false, err
		}
		if t := turns[n]; t.Number != number || t.State.String() != state {
			return false, fault.New(fault.Conflict, "turn %d is there already, as number %d that has %s", sequence, number, state).At("turns")
		}
		n++
		return true, nil
	}, "SELECT t.sequence, "+numberColumn+", "+stateColumn+" FROM turns t WHERE conversation = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
		c.id, turns[0].Sequence, turns[len(turns)-1].Sequence)
	return n, err
}

// append adds a turn that has ended in another storage. The turn keeps its idempotency key, but a
// Begin with that key starts a new turn, because the row has no digest. The row has no fence
// either, so that the turn cannot be committed again.
func (c *conversation) append(tx *session, t storage.Turn, s storedMessages) error {
	number, state, retracted := t.Number, t.State, sql.Null[int64]{V: t.Number, Valid: t.Retracted && t.State == storage.Succeeded}
	if retracted.Valid {
		number, state = 0, storage.Interrupted
		c.retracted++
	}
	_, err := tx.exec(`INSERT INTO turns (conversation, sequence, retracted, number, state, reason, user, started_at, ended_at, key,
		usage, messages, metadata, record, message, replies, body, reply_bodies)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.id, t.Sequence, retracted, number, state.String(), t.Reason, t.User, nanos(t.StartedAt), nanos(t.EndedAt), t.Key,
		document(t.Usage), len(t.Messages), document(t.Metadata), document(t.Record), s.text, s.replyTexts, s.body, s.replyBodies)
	return err
}

// importRetraction stores what the turn has retracted. Turns that were here before the import are
// retracted now. Others come as retracted ones, so that the retraction may name more of them than
// the turn has retracted.
func (c *conversation) importRetraction(tx *session, t storage.Turn) error {
	err := c.retract(tx, t.RetractFrom, t.Sequence, math.MaxInt)
	if fault.Is(err, fault.Conflict) {
		err = c.addRetraction(tx, storage.Retraction{Sequence: t.Sequence, From: t.RetractFrom, To: c.turns})
	}
	return err
}

// checkTimes returns fault.Invalid for turns with times that the database cannot represent.
func checkTimes(turns []storage.Turn) error {
	for _, t := range turns {
		for _, at := range []time.Time{t.StartedAt, t.EndedAt} {
			if !at.IsZero() && (at.Before(earliest) || at.After(latest)) {
				return fault.New(fault.Invalid, "turn %d has a time in the year %d", t.Sequence, at.Year()).At("turns")
			}
		}
	}
	return nil
}
