package memstore

import (
	"cmp"
	"sync"

	"github.com/google/btree"
)

const treeDegree = 32

// tenant is all that one life of a tenant keeps. Its lock guards everything
// below it, except that ended turns never change again.
type tenant struct {
	mu            sync.RWMutex
	gone          bool // deleted; whoever still points here must look again
	bytes         int64
	conversations map[string]*conversation
	byID          *btree.BTreeG[*conversation]
	byUser        *btree.BTreeG[*conversation] // by user, then id
}

func newTenant() *tenant {
	return &tenant{
		conversations: make(map[string]*conversation),
		byID: btree.NewG(treeDegree, func(a, b *conversation) bool {
			return a.id < b.id
		}),
		byUser: btree.NewG(treeDegree, func(a, b *conversation) bool {
			return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.id, b.id)) < 0
		}),
	}
}

func (t *tenant) add(c *conversation) {
	t.conversations[c.id] = c
	t.byID.ReplaceOrInsert(c)
	t.byUser.ReplaceOrInsert(c)
	t.bytes += c.bytes
}

func (t *tenant) remove(c *conversation) {
	delete(t.conversations, c.id)
	t.byID.Delete(c)
	t.byUser.Delete(c)
	t.bytes -= c.bytes
}

// ofUser lists the conversations that the user began.
func (t *tenant) ofUser(user string) []*conversation {
	var found []*conversation
	t.byUser.AscendGreaterOrEqual(&conversation{user: user}, func(c *conversation) bool {
		if c.user != user {
			return false
		}
		found = append(found, c)
		return true
	})
	return found
}

// after calls yield for the conversations behind the id, in order; with a user,
// for that user's only.
func (t *tenant) after(user, id string, yield func(*conversation) bool) {
	tree := t.byID
	if user != "" {
		tree = t.byUser
	}
	tree.AscendGreaterOrEqual(&conversation{user: user, id: id}, func(c *conversation) bool {
		switch {
		case user != "" && c.user != user:
			return false
		case c.id == id:
			return true
		}
		return yield(c)
	})
}
