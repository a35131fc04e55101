package sqlitestore

// registerStep is how many conversations a transaction registers at most.
const registerStep = 1000

// follower is a row of the table followers: a store key in an incarnation of a tenant.
type follower struct {
	id   int64
	life int64
	// mark is an id of a conversation. Conversations of the tenant with greater ids may have no row in
	// the table cursors yet.
	mark int64
}

// findFollower returns the follower with the store key, or nil if there is none.
func findFollower(tx *session, life int64, storeKey string) (*follower, error) {
	f := &follower{life: life}
	found, err := tx.get([]any{&f.id, &f.mark}, "SELECT id, mark FROM followers WHERE life = ? AND store_key = ? AND used > 0", life, storeKey)
	if !found {
		return nil, err
	}
	return f, nil
}

// addCursor is the SQL that registers conversations. Its argument is the id of the follower. A condition
// on conversations c follows.
const addCursor = `INSERT OR IGNORE INTO cursors (follower, conversation, behind)
	SELECT ?, c.id, iif(c.running = 0, c.sequence, c.running - 1) > 0 FROM conversations c WHERE c.deleted_at IS NULL`

// register adds rows to the table cursors for the next conversations, up to registerStep. It reports
// whether it has added any, and whether more are left.
func (f *follower) register(tx *session) (added, more bool, err error) {
	var to int64
	more, err = tx.get([]any{&to}, "SELECT id FROM conversations WHERE life = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?", f.life, f.mark, registerStep-1)
	if err == nil && !more {
		_, err = tx.get([]any{&to}, "SELECT coalesce(max(id), 0) FROM conversations WHERE life = ?", f.life)
	}
	if err != nil || to <= f.mark {
		return false, false, err
	}
	if _, err = tx.exec(addCursor+" AND c.life = ? AND c.id > ? AND c.id <= ?", f.id, f.life, f.mark, to); err != nil {
		return false, false, err
	}
	f.mark = to
	_, err = tx.exec("UPDATE followers SET mark = ? WHERE id = ?", to, f.id)
	return true, more, err
}

// registerOne adds the row of one conversation.
func (f *follower) registerOne(tx *session, conversation int64) error {
	_, err := tx.exec(addCursor+" AND c.id = ?", f.id, conversation)
	return err
}

// cursorOf returns how far the store key is in the conversation, or 0.
func cursorOf(tx *session, conversation int64, storeKey string) (sequence int64, err error) {
	_, err = tx.get([]any{&sequence}, `SELECT k.sequence FROM conversations c JOIN followers f ON f.life = c.life AND f.store_key = ? AND f.used > 0
		JOIN cursors k ON k.conversation = c.id AND k.follower = f.id WHERE c.id = ?`, storeKey, conversation)
	return sequence, err
}
