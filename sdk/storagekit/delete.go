package storagekit

import (
	"context"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// Delete implements [storage.Storage]. It first makes everything in the scope invisible, in one step.
// Then it deletes turns that are invisible, at most scope.Limit of them if that is set.
func (s *Store) Delete(ctx context.Context, scope storage.Scope) (deleted storage.Deleted, err error) {
	if err := check(ctx, scope.Validate()); err != nil {
		return storage.Deleted{}, err
	}
	err = s.update(ctx, scope.Call, func(x *change) (err error) {
		deleted, err = x.delete(scope)
		return err
	})
	return deleted, err
}

func (x *change) delete(scope storage.Scope) (d storage.Deleted, err error) {
	whole := scope.Call.Conversation == "" && scope.Call.User == ""
	if whole && scope.Before.IsZero() {
		if err := x.endGeneration(); err != nil {
			return d, err
		}
	} else if !x.ended {
		if d.Emptied, err = x.unlinkScope(scope); err != nil {
			return d, err
		}
	}
	left := scope.Limit
	if left == 0 {
		left = -1
	}
	b := budget{&d, left}
	if err := x.sweepTrash(scope, &b); err != nil || !whole {
		return d, err
	}
	return d, x.sweepGenerations(&b)
}

// unlinkScope makes the conversations of the scope invisible. It empties the user's turns in
// conversations that stay, and returns how many turns it has emptied.
func (x *change) unlinkScope(scope storage.Scope) (emptied int64, err error) {
	now := x.now()
	switch call := scope.Call; {
	case call.Conversation != "":
		c, err := x.conversation(call.Conversation)
		if c == nil || err != nil || scope.Owned && c.user != call.User {
			return 0, err
		}
		_, err = x.unlinkUnlessSpared(c, scope.Before, now)
		return 0, err
	case call.User != "":
		return x.deleteUser(scope, now)
	}
	var all []*conversation
	err = x.entries(append(slices.Clone(x.prefix), 'c'), func(_, value []byte) (bool, error) {
		c, err := decodeConversation(value)
		all = append(all, c)
		return err == nil, err
	})
	for _, c := range all {
		if err == nil {
			_, err = x.unlinkUnlessSpared(c, scope.Before, now)
		}
	}
	return 0, err
}

// spared reports whether a deletion leaves the conversation as it is. A deletion with a time before
// leaves a conversation that has changed since then, or in which a turn runs.
func (v *view) spared(c *conversation, before, now time.Time) (bool, error) {
	if before.IsZero() {
		return false, nil
	}
	if !c.updated.Before(before) {
		return true, nil
	}
	return v.held(c, now)
}

func (x *change) unlinkUnlessSpared(c *conversation, before, now time.Time) (unlinked bool, err error) {
	spared, err := x.spared(c, before, now)
	if spared || err != nil {
		return false, err
	}
	return true, x.unlink(c)
}

// unlink makes a conversation invisible. Its turns stay until a sweep deletes them. Its cursors become
// cursors to be forgotten.
func (x *change) unlink(c *conversation) error {
	if err := x.forgetConversation(c); err != nil {
		return err
	}
	keys := [][]byte{key(x.prefix, 'c', c.id)}
	if c.user != "" {
		keys = append(keys, key(x.prefix, 'u', c.user, c.id))
	}
	guests, err := x.guests(c.cid, int(c.sequence)+1)
	if err != nil {
		return err
	}
	for _, user := range guests {
		keys = append(keys, key(x.prefix, 'g', user, c.id))
	}
	for _, k := range keys {
		if err := x.tx.Delete(k); err != nil {
			return err
		}
	}
	return x.tx.Put(key(x.prefix, 'x', c.cid), trash{c.id, c.user}.encode())
}

// budget counts what a deletion removes. left is how many turns it may still remove; it is negative
// without a limit.
type budget struct {
	*storage.Deleted
	left int
}

// turn reports whether one more turn may be removed, and counts the turn if so.
func (b *budget) turn() bool {
	if b.left == 0 {
		b.More = true
		return false
	}
	b.left--
	b.Turns++
	return true
}

// sweepTrash deletes turns of unlinked conversations in the scope, including those that earlier calls
// have unlinked.
func (x *change) sweepTrash(scope storage.Scope, b *budget) error {
	type entry struct {
		key []byte
		cid string
	}
	var swept []entry
	prefix := append(slices.Clone(x.prefix), 'x')
	err := x.entries(prefix, func(k, value []byte) (bool, error) {
		t, err := decodeTrash(value)
		if err != nil {
			return false, err
		}
		switch call := scope.Call; {
		case call.Conversation != "" && (t.id != call.Conversation || scope.Owned && t.user != call.User),
			call.Conversation == "" && call.User != "" && t.user != call.User:
			return true, nil
		}
		cid, _ := cutText(k[len(prefix):])
		swept = append(swept, entry{k, cid})
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, e := range swept {
		done, err := x.sweepTalk(key(x.prefix, 't', e.cid), b)
		if err != nil || !done {
			return err
		}
		b.Conversations++
		if err := x.tx.Delete(e.key); err != nil {
			return err
		}
	}
	return nil
}

// sweepTalk deletes the keys with the prefix, which are those of an incarnation of a conversation. done
// reports whether none is left.
func (x *change) sweepTalk(prefix []byte, b *budget) (done bool, err error) {
	var keys [][]byte
	done = true
	err = x.entries(prefix, func(k, _ []byte) (bool, error) {
		if k[len(prefix)] == 'n' && !b.turn() {
			done = false
			return false, nil
		}
		keys = append(keys, k)
		return true, nil
	})
	for _, k := range keys {
		if err == nil {
			err = x.tx.Delete(k)
		}
	}
	return done, err
}
