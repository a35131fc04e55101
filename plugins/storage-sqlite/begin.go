package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Begin implements [storage.Storage]. A repeat of the Begin of a running turn also
// renews its lease.
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	message, err := encode(req.Message)
	if err != nil {
		return nil, err
	}
	var b *begun
	err = s.write(ctx, func(tx *session) (err error) {
		b = &begun{BeginRequest: req, message: message, now: s.now()}
		return b.run(tx)
	})
	if err != nil {
		return nil, err
	}
	return b.result()
}

// begun is a Begin at work, and what came of it.
type begun struct {
	*storage.BeginRequest
	message string
	now     time.Time

	started *fence
	tail    []said // newest first
	cut     bool   // there are more, and too many bytes of them
	replay  *row
	busy    *storage.Busy
	reused  bool
}

func (b *begun) run(tx *session) error {
	c, err := findFor(tx, b.Call, b.Owned)
	if err != nil {
		return err
	}
	if c != nil {
		if again, err := b.repeated(tx, c); again || err != nil {
			return err
		}
		if answered, err := b.answer(tx, c); answered || err != nil {
			return err
		}
		if err := b.takeOver(tx, c); err != nil {
			return err
		}
	} else if c, err = add(tx, b.Call, b.now.UnixNano()); err != nil {
		return err
	}
	return b.start(tx, c)
}

// repeated answers a Begin whose turn is running as it was answered before.
func (b *begun) repeated(tx *session, c *conversation) (bool, error) {
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
	b.started = f
	return true, b.readTail(tx)
}

// answer decides a Begin that starts no turn.
func (b *begun) answer(tx *session, c *conversation) (bool, error) {
	same := false
	if b.Key != "" {
		var sequence int64
		var state string
		var digest []byte
		found, err := tx.get([]any{&sequence, &state, &digest}, `SELECT sequence, state, digest FROM turns
			WHERE conversation = ? AND key = ? AND digest IS NOT NULL AND started_at > ? ORDER BY sequence DESC LIMIT 1`,
			c.id, b.Key, b.now.Add(-storage.KeyTTL).UnixNano())
		switch {
		case err != nil:
			return false, err
		case found && !bytes.Equal(digest, b.Digest):
			b.reused = true
			return true, nil
		case found && state == storage.Succeeded.String():
			b.replay = new(row)
			return true, tx.each(func(rows *sql.Rows) (bool, error) { return false, b.replay.scan(rows) },
				"SELECT "+turnColumns+" FROM turns t WHERE t.conversation = ? AND t.sequence = ?", c.id, sequence)
		}
		same = found && sequence == c.running
	}
	if c.running != 0 && c.until > b.now.UnixNano() {
		b.busy = &storage.Busy{SameKey: same}
		return true, nil
	}
	return false, nil
}

// takeOver interrupts a turn whose holder is dead. Without its fence it can no longer
// be committed.
func (b *begun) takeOver(tx *session, c *conversation) error {
	if c.running == 0 {
		return nil
	}
	_, err := tx.exec("UPDATE turns SET state = ?, reason = ?, ended_at = ?, fence = NULL WHERE conversation = ? AND sequence = ?",
		storage.Interrupted.String(), fault.Deadline.String()+": the lease of the turn's holder ran out", b.now.UnixNano(), c.id, c.running)
	return err
}

func (b *begun) start(tx *session, c *conversation) error {
	stamp := b.now.UnixNano()
	f := &fence{conversation: c.id, sequence: c.sequence + 1, token: newToken()}
	var digest []byte
	if b.Key != "" {
		digest = append([]byte{}, b.Digest...) // not NULL, even if empty
	}
	_, err := tx.exec(`INSERT INTO turns (conversation, sequence, state, user, started_at, fence, key, digest, messages, metadata, message)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)`,
		c.id, f.sequence, storage.Running.String(), b.Call.User, stamp, f.token, b.Key, digest, document(b.Metadata), b.message)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE conversations SET sequence = ?, running = ?, holder = ?, lease_until = ?, attempt = ?, updated_at = ? WHERE id = ?`,
		f.sequence, f.sequence, b.Holder, after(b.now, b.Lease), b.Attempt, stamp, c.id)
	if err != nil {
		return err
	}
	if err := c.redate(tx, stamp); err != nil {
		return err
	}
	b.started = f
	return b.readTail(tx)
}

// readTail reads turns that succeeded from the newest on, until it has enough of them
// or of their bytes; one more than that is read at most.
func (b *begun) readTail(tx *session) error {
	b.tail, b.cut = nil, false
	if b.Tail == 0 {
		return nil
	}
	have, left := 0, b.TailBytesOrDefault()
	return tx.each(func(rows *sql.Rows) (bool, error) {
		var t said
		var n int
		err := rows.Scan(&n, &t.first, &t.others)
		if left -= t.size(); left < 0 || err != nil {
			b.cut = true
			return false, err
		}
		b.tail = append(b.tail, t)
		have += n
		return have < b.Tail, nil
	}, `SELECT messages, message, replies FROM turns
		WHERE conversation = ? AND state = 'succeeded' AND sequence < ? AND message IS NOT NULL ORDER BY sequence DESC LIMIT ?`,
		b.started.conversation, b.started.sequence, b.Tail)
}

// result decodes what was read, which holds up no other write.
func (b *begun) result() (*storage.BeginResult, error) {
	switch {
	case b.reused:
		return &storage.BeginResult{KeyReused: true}, nil
	case b.busy != nil:
		return &storage.BeginResult{Busy: b.busy}, nil
	case b.replay != nil:
		t, err := b.replay.decode()
		return &storage.BeginResult{Replay: &t}, err
	}
	var tail []chat.Message
	for i := len(b.tail) - 1; i >= 0; i-- {
		messages, err := b.tail[i].messages()
		if err != nil {
			return nil, err
		}
		tail = append(tail, messages...)
	}
	return &storage.BeginResult{Started: &storage.Started{
		Sequence: b.started.sequence, Fence: b.started.String(), Tail: tail[max(0, len(tail)-b.Tail):], TailCut: b.cut,
	}}, nil
}
