package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Begin implements [storage.Storage]. When a caller repeats the Begin of a turn that is still
// running, Begin returns the result of the first Begin again and renews the turn's lease.
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	messages := storeFirst(req.Messages)
	var b *beginRun
	err := s.write(ctx, func(tx *session) (err error) {
		b = &beginRun{BeginRequest: req, messages: messages, now: s.now()}
		return b.run(tx)
	})
	if err != nil {
		return nil, err
	}
	return b.result()
}

// beginRun executes one Begin in a transaction and stores its result. A Begin whose transaction is
// repeated gets a new beginRun.
type beginRun struct {
	*storage.BeginRequest
	messages storedMessages // of the request
	now      time.Time

	started     *fence
	incarnation string    // of the conversation
	tail        []turnRow // newest turn first
	cursor      int64     // with CursorKey
	retractions []storage.Retraction
	cut         bool // the bound in bytes left turns out of tail
	replay      *turnRow
	busy        *storage.Busy
	keyReused   bool
}

func (b *beginRun) run(tx *session) error {
	c, err := findOwned(tx, b.Call, b.Owned)
	if err != nil {
		return err
	}
	if c != nil {
		if again, err := b.startedAlready(tx, c); again || err != nil {
			return err
		}
		if done, err := b.withoutStart(tx, c); done || err != nil {
			return err
		}
		if err := b.interruptExpired(tx, c); err != nil {
			return err
		}
	} else if b.RetractFrom > 0 {
		return noSuchTurn(b.RetractFrom).At("retract_from")
	} else if c, err = addConversation(tx, b.Call, b.now.UnixNano()); err != nil {
		return err
	}
	return b.start(tx, c)
}

// startedAlready reports whether this Begin repeats the Begin that started the running turn. If so,
// startedAlready renews the turn's lease and sets the result.
func (b *beginRun) startedAlready(tx *session, c *conversation) (bool, error) {
	if c.running == 0 || b.Attempt == "" || b.Attempt != c.attempt {
		return false, nil
	}
	f := &fence{conversation: c.id, sequence: c.running}
	_, err := tx.get([]any{&f.token}, "SELECT fence FROM turns WHERE conversation = ? AND sequence = ?", c.id, c.running)
	if err != nil {
		return false, err
	}
	_, err = tx.exec("UPDATE conversations SET lease_until = max(lease_until, ?) WHERE id = ?", after(b.now, b.Lease), c.id)
	if err != nil {
		return false, err
	}
	b.started, b.incarnation = f, c.incarnation
	return true, b.readPast(tx)
}

// withoutStart checks whether this Begin may start a turn. If it may not, withoutStart sets the
// result to a replay, a reused key or busy, and returns true.
func (b *beginRun) withoutStart(tx *session, c *conversation) (bool, error) {
	same := false
	if b.Key != "" {
		var sequence int64
		var state string
		var digest []byte
		found, err := tx.get([]any{&sequence, &state, &digest}, "SELECT sequence, "+stateColumn+`, digest FROM turns t
			WHERE conversation = ? AND key = ? AND digest IS NOT NULL AND started_at > ? ORDER BY sequence DESC LIMIT 1`,
			c.id, b.Key, b.now.Add(-storage.KeyTTL).UnixNano())
		switch {
		case err != nil:
			return false, err
		case found && !bytes.Equal(digest, b.Digest):
			b.keyReused = true
			return true, nil
		case found && state == storage.Succeeded.String():
			b.replay = new(turnRow)
			return true, tx.each(func(rows *sql.Rows) (bool, error) { return false, b.replay.scan(rows) },
				"SELECT "+turnColumns+turnTables+" WHERE t.conversation = ? AND t.sequence = ?", c.id, sequence)
		}
		same = found && sequence == c.running
	}
	if c.running != 0 && c.until > b.now.UnixNano() {
		b.busy = &storage.Busy{SameKey: same}
		return true, nil
	}
	return false, nil
}

// interruptExpired ends the running turn as interrupted. It deletes the turn's fence, so that
// Commit cannot end the turn any more. It does nothing when no turn is running. The caller has
// checked that the lease of the running turn has expired.
func (b *beginRun) interruptExpired(tx *session, c *conversation) error {
	if c.running == 0 {
		return nil
	}
	_, err := tx.exec("UPDATE turns SET state = ?, reason = ?, ended_at = ?, fence = NULL WHERE conversation = ? AND sequence = ?",
		storage.Interrupted.String(), fault.Deadline.String()+": the lease of the turn's holder ran out", b.now.UnixNano(), c.id, c.running)
	return err
}

func (b *beginRun) start(tx *session, c *conversation) error {
	stamp := b.now.UnixNano()
	f := &fence{conversation: c.id, sequence: c.sequence + 1, token: newToken()}
	if b.RetractFrom > 0 {
		if err := c.retract(tx, b.RetractFrom, f.sequence, sdk.MaxRetractTurns); err != nil {
			return err
		}
	}
	var digest []byte
	if b.Key != "" {
		digest = append([]byte{}, b.Digest...) // an empty digest must not become NULL
	}
	_, err := tx.exec(`INSERT INTO turns (conversation, sequence, state, user, started_at, fence, key, digest, messages, metadata, message, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.id, f.sequence, storage.Running.String(), b.Call.User, stamp, f.token, b.Key, digest, len(b.Messages), document(b.Metadata), b.messages.text, b.messages.body)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE conversations SET sequence = ?, running = ?, retracted = ?, holder = ?, lease_until = ?, attempt = ?, updated_at = ? WHERE id = ?`,
		f.sequence, f.sequence, c.retracted, b.Holder, after(b.now, b.Lease), b.Attempt, stamp, c.id)
	if err != nil {
		return err
	}
	if err := c.updateDay(tx, stamp); err != nil {
		return err
	}
	b.started, b.incarnation = f, c.incarnation
	return b.readPast(tx)
}

// readPast reads what the result has of the conversation before the turn that has started, and the
// retractions after the cursor, of which the last may be that turn's own.
func (b *beginRun) readPast(tx *session) (err error) {
	if b.CursorKey != "" {
		if b.cursor, err = cursorOf(tx, b.started.conversation, b.CursorKey); err != nil {
			return err
		}
		if b.retractions, err = retractionsAfter(tx, b.started.conversation, b.cursor); err != nil {
			return err
		}
	}
	return b.readTail(tx)
}

// readTail reads succeeded turns, newest first, until it has b.Tail messages or has reached the
// bound in bytes. It reads at most one turn that the tail does not need.
func (b *beginRun) readTail(tx *session) error {
	b.tail, b.cut = nil, false
	if b.Tail == 0 {
		return nil
	}
	have, left := 0, b.TailBytesOrDefault()
	return tx.each(func(rows *sql.Rows) (bool, error) {
		var t turnRow
		err := t.scanTail(rows)
		if left -= t.tailSize(); left < 0 || err != nil {
			b.cut = true
			return false, err
		}
		b.tail = append(b.tail, t)
		have += t.count
		return have < b.Tail, nil
	}, "SELECT "+tailColumns+` FROM turns t
		WHERE conversation = ? AND state = 'succeeded' AND sequence < ? AND message IS NOT NULL ORDER BY sequence DESC LIMIT ?`,
		b.started.conversation, b.started.sequence, b.Tail)
}

// result decodes the result that run has set. The caller calls result after the transaction, so
// that other writes do not wait for the decoding.
func (b *beginRun) result() (*storage.BeginResult, error) {
	switch {
	case b.keyReused:
		return &storage.BeginResult{KeyReused: true}, nil
	case b.busy != nil:
		return &storage.BeginResult{Busy: b.busy}, nil
	case b.replay != nil:
		t, err := b.replay.decode()
		return &storage.BeginResult{Replay: &t}, err
	}
	tail := make([]storage.Turn, 0, len(b.tail))
	for i := len(b.tail) - 1; i >= 0; i-- {
		t, err := b.tail[i].decode()
		if err != nil {
			return nil, err
		}
		tail = append(tail, t)
	}
	return &storage.BeginResult{Started: &storage.Started{
		Sequence: b.started.sequence, Fence: b.started.String(), Tail: tail, TailCut: b.cut, Incarnation: b.incarnation,
		Cursor: b.cursor, Retractions: b.retractions,
	}}, nil
}
