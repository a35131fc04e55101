package memstore

import (
	"cmp"
	"slices"
	"sync"

	"github.com/google/btree"
)

const treeDegree = 32

// tenant is one incarnation of a tenant with all its conversations. mu guards all fields.
type tenant struct {
	mu sync.RWMutex
	// gone is true after the tenant was deleted. A call that still has a pointer to the tenant must
	// then look the tenant up again.
	gone          bool
	bytes         int64
	account       *account
	conversations map[string]*conversation
	byID          *btree.BTreeG[*conversation]
	byUser        *btree.BTreeG[*conversation] // ordered by user, then by conversation id
	// asGuest has, for each user, the conversations of other owners in which the user wrote.
	asGuest map[string]map[*conversation]struct{}
}

func newTenant() *tenant {
	return &tenant{
		conversations: make(map[string]*conversation),
		asGuest:       make(map[string]map[*conversation]struct{}),
		byID: btree.NewG(treeDegree, func(a, b *conversation) bool {
			return a.id < b.id
		}),
		byUser: btree.NewG(treeDegree, func(a, b *conversation) bool {
			return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.id, b.id)) < 0
		}),
	}
}

// add adds the conversation to all indexes of the tenant. Locked: mu is held.
func (t *tenant) add(c *conversation) {
	t.conversations[c.id] = c
	t.byID.ReplaceOrInsert(c)
	t.byUser.ReplaceOrInsert(c)
	t.change(c.bytes)
}

// remove removes the conversation from all indexes of the tenant. Locked: mu is held.
func (t *tenant) remove(c *conversation) {
	delete(t.conversations, c.id)
	t.byID.Delete(c)
	t.byUser.Delete(c)
	t.change(-c.bytes)
	for user := range c.guests {
		t.removeGuest(user, c)
	}
}

// addGuest adds the conversation to the user's entry in asGuest. It does nothing if the user is not
// a guest of the conversation. Locked: mu is held.
func (t *tenant) addGuest(user string, c *conversation) {
	if _, guest := c.guests[user]; !guest {
		return
	}
	if t.asGuest[user] == nil {
		t.asGuest[user] = map[*conversation]struct{}{}
	}
	t.asGuest[user][c] = struct{}{}
}

// removeGuest removes the conversation from the user's entry in asGuest. Locked: mu is held.
func (t *tenant) removeGuest(user string, c *conversation) {
	delete(t.asGuest[user], c)
	if len(t.asGuest[user]) == 0 {
		delete(t.asGuest, user)
	}
}

// disown removes the owner of the conversation. A conversation without an owner belongs to the
// tenant only. Locked: mu is held.
func (t *tenant) disown(c *conversation) {
	t.byUser.Delete(c)
	c.user = ""
	t.byUser.ReplaceOrInsert(c)
}

// ofUser returns the conversations that the user owns. Locked: mu is held.
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

// after calls yield for each conversation whose id is greater than the given id, in the order of
// ids. It stops when yield returns false. If user is not empty, after visits only conversations
// that the user owns. Locked: mu is held.
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

// writtenAfter calls yield for each conversation that the user owns or wrote in and whose id is
// greater than the given id, in the order of ids. It stops when yield returns false. yield must
// return false in its call number limit + 1 at the latest. Locked: mu is held.
func (t *tenant) writtenAfter(user, id string, limit int, yield func(*conversation) bool) {
	var found []*conversation
	t.after(user, id, func(c *conversation) bool {
		found = append(found, c)
		return len(found) <= limit
	})
	for c := range t.asGuest[user] {
		if c.id > id {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *conversation) int { return cmp.Compare(a.id, b.id) })
	for _, c := range found {
		if !yield(c) {
			return
		}
	}
}
