package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk/storage"
)

// emptyStep is how many turns of a log one transaction looks at to empty some.
const emptyStep = 1000

// emptying empties the turns of a user in the conversations that stay.
type emptying struct {
	scope   storage.Scope
	id      int64 // of the conversation at work; 0: none
	after   int64 // sequence up to which it is done
	emptied int64
}

// empty empties what the scope's user wrote, in transactions of a part of one
// conversation each, and counts the turns.
func (s *Store) empty(ctx context.Context, scope storage.Scope) (int64, error) {
	e := emptying{scope: scope}
	for {
		var next emptying
		err := s.write(ctx, func(tx *session) error {
			next = e // a transaction may be run again
			return next.step(tx, s.now().UnixNano())
		})
		if err != nil || next.id == 0 {
			return e.emptied, err
		}
		e = next
		if e.after < 0 {
			e.id, e.after = 0, 0
		}
	}
}

// step does a part of a conversation, the one that it is at or the next. After is
// negative when that was the last part.
func (e *emptying) step(tx *session, now int64) error {
	if e.id == 0 {
		if err := e.next(tx, now); err != nil || e.id == 0 {
			return err
		}
	}
	var last int64
	if found, err := tx.get([]any{&last}, "SELECT sequence FROM conversations WHERE id = ? AND deleted_at IS NULL", e.id); err != nil || !found {
		e.after = -1 // it is gone
		return err
	}
	to := e.after + emptyStep
	user := e.scope.Call.User
	n, err := tx.exec(`UPDATE turns SET state = CASE state WHEN 'running' THEN 'interrupted' ELSE state END,
		ended_at = CASE state WHEN 'running' THEN ? ELSE ended_at END, reason = '', user = '', fence = NULL, key = '', digest = NULL,
		input_tokens = 0, output_tokens = 0, cached_input_tokens = 0, reasoning_tokens = 0,
		messages = 0, metadata = NULL, record = NULL, message = NULL, replies = NULL
		WHERE conversation = ? AND sequence > ? AND sequence <= ? AND user = ?`, now, e.id, e.after, to, user)
	if err != nil {
		return err
	}
	e.emptied += n
	if e.after = to; to < last {
		return nil
	}
	e.after = -1
	if _, err := tx.exec(`UPDATE conversations SET running = 0, holder = '', lease_until = 0, attempt = '' WHERE id = ? AND running > 0
		AND EXISTS (SELECT 1 FROM turns t WHERE t.conversation = conversations.id AND t.sequence = running AND t.state <> 'running')`, e.id); err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE conversations SET user = '' WHERE id = ? AND user = ?", e.id, user); err != nil {
		return err
	}
	_, err = tx.exec("DELETE FROM writers WHERE conversation = ? AND user = ?", e.id, user)
	return err
}

// next finds a conversation of the scope's user that others wrote in, or of others that
// the user wrote in.
func (e *emptying) next(tx *session, now int64) error {
	call := e.scope.Call
	old, args := sparedBy(e.scope, now)
	for _, query := range []string{
		"SELECT c.id " + living + " AND c.user = ? AND EXISTS (SELECT 1 FROM writers w WHERE w.conversation = c.id)",
		`SELECT c.id FROM lives l JOIN writers w ON w.life = l.id JOIN conversations c ON c.id = w.conversation AND c.deleted_at IS NULL
			WHERE l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NULL AND w.user = ?`,
	} {
		found, err := tx.get([]any{&e.id}, query+old+" LIMIT 1", append([]any{call.Tenant, call.Incarnation, call.User}, args...)...)
		if found || err != nil {
			return err
		}
	}
	return nil
}
