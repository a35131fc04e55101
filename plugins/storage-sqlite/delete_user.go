package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk/storage"
)

// eraseStep is how many turns of a conversation one transaction looks at.
const eraseStep = 1000

// userEraser empties the turns of a user in conversations that stay.
type userEraser struct {
	scope   storage.Scope
	id      int64 // id of the current conversation; 0 for none
	after   int64 // turns up to this sequence are done; negative after the last
	emptied int64
}

// eraseUser empties the turns of the scope's user and returns how many. Each transaction handles
// a part of one conversation.
func (s *Store) eraseUser(ctx context.Context, scope storage.Scope) (int64, error) {
	e := userEraser{scope: scope}
	for {
		var next userEraser
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

// step handles a part of the current conversation, or of the next one. It sets after to a
// negative number when that was the last part.
func (e *userEraser) step(tx *session, now int64) error {
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
	to := e.after + eraseStep
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

// next finds a conversation of the scope's user in which others wrote, or a conversation of
// others in which the user wrote.
func (e *userEraser) next(tx *session, now int64) error {
	call := e.scope.Call
	old, args := sparedBy(e.scope, now)
	for _, query := range []string{
		"SELECT c.id " + liveConversations + " AND c.user = ? AND EXISTS (SELECT 1 FROM writers w WHERE w.conversation = c.id)",
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
