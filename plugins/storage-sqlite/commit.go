package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Commit implements [storage.Storage]. The first Commit of a turn decides the turn's state. A
// repeated Commit with the same state returns the same turn number and changes nothing. A repeated
// Commit with a different state returns fault.Conflict. A turn whose lease has expired can still be
// committed, until a later Begin in the conversation interrupts the turn.
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := req.ValidateText(); err != nil {
		return 0, err
	}
	f, err := parseFence(req.Fence)
	if err != nil {
		return 0, err
	}
	var number int64
	err = s.write(ctx, func(tx *session) (err error) {
		number, err = commit(tx, f, req, s.now().UnixNano())
		return err
	})
	return number, err
}

func commit(tx *session, f fence, req *storage.CommitRequest, stamp int64) (int64, error) {
	c := conversation{id: f.conversation}
	var state string
	var number int64
	var token sql.Null[string]
	found, err := tx.get([]any{&c.turns, &c.updated, &state, &number, &token},
		"SELECT c.turns, c.updated_at, "+stateColumn+", "+numberColumn+`, t.fence
		FROM conversations c JOIN lives l ON l.id = c.life JOIN turns t ON t.conversation = c.id
		WHERE c.id = ? AND c.name = ? AND c.deleted_at IS NULL AND t.sequence = ?
			AND l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NULL`,
		f.conversation, req.Call.Conversation, f.sequence, req.Call.Tenant, req.Call.Incarnation)
	switch {
	case err != nil:
		return 0, err
	case !found || !token.Valid || token.V != f.token:
		return 0, stale()
	case state != storage.Running.String() && state != req.State.String():
		return 0, fault.New(fault.Conflict, "the turn has %s already", state).At("state")
	case state != storage.Running.String():
		return number, nil
	}
	if req.State == storage.Succeeded {
		c.turns++
		number = c.turns
	}
	bodies, texts := storeReplies(req.Messages)
	_, err = tx.exec(`UPDATE turns SET state = ?, number = ?, reason = ?, ended_at = ?, record = ?, replies = ?, reply_bodies = ?,
		messages = messages + ?, usage = ? WHERE conversation = ? AND sequence = ?`,
		req.State.String(), number, req.Reason, stamp, document(req.Record), texts, bodies, len(req.Messages), document(req.Usage), c.id, f.sequence)
	if err != nil {
		return 0, err
	}
	_, err = tx.exec(`UPDATE conversations SET turns = ?, running = 0, holder = '', lease_until = 0, attempt = '', updated_at = ? WHERE id = ?`,
		c.turns, stamp, c.id)
	if err != nil {
		return 0, err
	}
	return number, c.updateDay(tx, stamp)
}
