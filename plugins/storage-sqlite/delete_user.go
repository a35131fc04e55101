package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk/storage"
)

// eraseStep is the number of sequences of one conversation that a transaction handles.
const eraseStep = 1000

// userEraser deletes the contents of a user's turns in conversations that several users wrote in.
// The conversations and the rows of the turns stay.
type userEraser struct {
	scope storage.Scope
	id    int64 // id of the current conversation, or 0 for none
	// after is the highest sequence of the current conversation that was handled. It is negative
	// when the whole conversation was handled.
	after   int64
	emptied int64
}

// eraseUser empties the turns of the scope's user and returns their number. Each transaction
// handles a part of one conversation.
func (s *Store) eraseUser(ctx context.Context, scope storage.Scope) (int64, error) {
	e := userEraser{scope: scope}
	for {
		var next userEraser
		err := s.write(ctx, func(tx *session) error {
			// The writer may run this function again, which must then begin with the same state.
			next = e
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

// step handles the next eraseStep sequences of the current conversation. If there is no current
// conversation, step first selects one. It sets after to a negative number when it has handled the
// last part of the conversation.
func (e *userEraser) step(tx *session, now int64) error {
	if e.id == 0 {
		if err := e.next(tx, now); err != nil || e.id == 0 {
			return err
		}
	}
	var last int64
	if found, err := tx.get([]any{&last}, "SELECT sequence FROM conversations WHERE id = ? AND deleted_at IS NULL", e.id); err != nil || !found {
		e.after = -1 // another call has deleted the conversation
		return err
	}
	to := e.after + eraseStep
	user := e.scope.Call.User
	n, err := tx.exec(`UPDATE turns SET state = CASE state WHEN 'running' THEN 'interrupted' ELSE state END,
		ended_at = CASE state WHEN 'running' THEN ? ELSE ended_at END, reason = '', user = '', fence = NULL, key = '', digest = NULL,
		input_tokens = 0, output_tokens = 0, cached_input_tokens = 0, reasoning_tokens = 0,
		messages = 0, metadata = NULL, record = NULL, usage = NULL, message = NULL, replies = NULL,
		body = NULL, reply_bodies = NULL
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

// next sets e.id to a conversation in which the scope's user and at least one other user wrote. It
// leaves e.id at 0 if no such conversation is left.
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
