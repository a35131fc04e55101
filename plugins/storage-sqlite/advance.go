package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Advance implements [storage.CursorStore]. A holder whose claim has ended may still advance the
// cursor, until another holder claims it.
func (s *Store) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	if err := req.ValidateText(); err != nil {
		return err
	}
	return s.write(ctx, func(tx *session) error {
		until := after(s.now(), req.Lease)
		switch {
		case req.Forgotten:
			return removeForget(tx, req)
		case req.Call.Conversation == "":
			return advanceWork(tx, req, until)
		}
		return advanceCursor(tx, req, until)
	})
}

func claimLost() error {
	return fault.New(fault.Conflict, "another holder has the claim, or nobody").At("holder")
}

// removeForget removes what was to be forgotten. It does nothing if that was removed before.
func removeForget(tx *session, req *storage.AdvanceRequest) error {
	var id int64
	var holder string // who has claimed it last
	found, err := tx.get([]any{&id, &holder}, `SELECT id, holder FROM forgets
		WHERE tenant = ? AND life = ? AND store_key = ? AND conversation = ? AND incarnation = ? AND user = ?`,
		req.Call.Tenant, req.Call.Incarnation, req.StoreKey, req.Call.Conversation, req.Incarnation, req.User)
	switch {
	case err != nil || !found:
		return err
	case holder != req.Holder:
		return claimLost()
	}
	_, err = tx.exec("DELETE FROM forgets WHERE id = ?", id)
	return err
}

// advanceCursor moves the cursor of a conversation. until is when the claim ends.
func advanceCursor(tx *session, req *storage.AdvanceRequest, until int64) error {
	c, err := findConversation(tx, req.Call)
	if err != nil {
		return err
	}
	if c == nil || c.incarnation != req.Incarnation {
		return fault.New(fault.NotFound, "the conversation was deleted, and its cursor must be forgotten")
	}
	n, err := tx.exec(`UPDATE cursors SET data = iif(sequence <= ?1, ?2, data), sequence = max(sequence, ?1), behind = max(sequence, ?1) < ?3, until = ?4
		WHERE conversation = ?5 AND follower = (SELECT f.id FROM followers f JOIN conversations c ON c.life = f.life WHERE c.id = ?5 AND f.store_key = ?6)
			AND claimed = 1 AND holder = ?7`, req.Sequence, req.Data, c.ended(), until, c.id, req.StoreKey, req.Holder)
	if err == nil && n == 0 {
		err = claimLost()
	}
	return err
}

// advanceWork moves the tenant's own cursor.
func advanceWork(tx *session, req *storage.AdvanceRequest, until int64) error {
	n, err := tx.exec(`UPDATE followers SET data = iif(sequence <= ?1, ?2, data), sequence = max(sequence, ?1), until = ?3
		WHERE life = (SELECT id FROM lives WHERE tenant = ?4 AND incarnation = ?5 AND deleted_at IS NULL) AND store_key = ?6 AND holder = ?7`,
		req.Sequence, req.Data, until, req.Call.Tenant, req.Call.Incarnation, req.StoreKey, req.Holder)
	if err == nil && n == 0 {
		err = claimLost()
	}
	return err
}
