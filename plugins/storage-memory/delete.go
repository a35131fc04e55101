package memstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// Delete implements [storage.Storage]. It first unlinks the conversations of the scope, so that no
// call can read or write them any more. Then it frees turns of unlinked conversations, at most
// scope.Limit of them if a limit is set.
func (s *Store) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	call := scope.Call
	if err := check(ctx, scope.Validate()); err != nil {
		return storage.Deleted{}, err
	}
	whole := call.Conversation == "" && call.User == ""
	var unlinked []*conversation
	var emptied int64
	if whole && scope.Before.IsZero() {
		unlinked = s.purge(call)
	} else if t := s.lookup(call); t != nil {
		unlinked, emptied = s.unlink(t, scope)
	}
	id := tenantID{call.Tenant, call.Incarnation}
	d := s.shard(id).sweep(id, scope, unlinked)
	d.Emptied = emptied
	return d, nil
}

// unlink removes the conversations of the scope from the tenant and returns them. A conversation in
// which several users wrote stays when the scope is a single user. unlink empties that user's turns
// in the conversation instead. emptied is the number of emptied turns.
func (s *Store) unlink(t *tenant, scope storage.Scope) (unlinked []*conversation, emptied int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil, 0
	}
	elapsed, stamp := s.elapsed(), s.stamp()
	spared := func(c *conversation) bool {
		return !scope.Before.IsZero() && (!c.updated.Before(scope.Before) || c.held(elapsed))
	}
	unlinkOne := func(c *conversation) {
		if !spared(c) {
			unlinked = append(unlinked, c)
		}
	}
	switch call := scope.Call; {
	case call.Conversation != "":
		if c := t.conversations[call.Conversation]; c.visibleTo(call, scope.Owned) {
			unlinkOne(c)
		}
	case call.User != "":
		shared := slices.Collect(maps.Keys(t.asGuest[call.User]))
		for _, c := range t.ofUser(call.User) {
			if len(c.guests) > 0 {
				shared = append(shared, c)
			} else {
				unlinkOne(c)
			}
		}
		for _, c := range shared {
			if !spared(c) {
				emptied += t.empty(c, call.User, stamp)
			}
		}
	default:
		for _, c := range t.conversations {
			unlinkOne(c)
		}
	}
	for _, c := range unlinked {
		t.remove(c)
	}
	return unlinked, emptied
}

// empty empties the user's turns in a conversation that other users wrote in too. It returns the
// number of emptied turns. Locked: mu is held.
func (t *tenant) empty(c *conversation, user string, stamp time.Time) (emptied int64) {
	c.keys.drop(func(turn *turn) bool { return turn.User == user })
	for _, turn := range c.turns {
		if turn.User != user {
			continue
		}
		if turn == c.running {
			c.running = nil
		}
		t.grow(c, turnBytes-sizeOfTurn(turn.Turn))
		turn.Turn, turn.holder, turn.attempt, turn.fenced = turn.Emptied(stamp), nil, "", true
		emptied++
	}
	delete(c.guests, user)
	t.removeGuest(user, c)
	if c.user == user {
		t.disown(c)
	}
	return emptied
}

// sweep frees turns of unlinked conversations in the scope. unlinked has the conversations that the
// current call has unlinked. sweep also handles conversations that earlier calls have unlinked and
// not freed completely.
func (sh *shard) sweep(id tenantID, scope storage.Scope, unlinked []*conversation) (d storage.Deleted) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	left := append(sh.unswept[id], unlinked...)
	left = slices.DeleteFunc(left, func(c *conversation) bool {
		switch call := scope.Call; {
		case call.Conversation != "" && (c.id != call.Conversation || scope.Owned && c.user != call.User),
			call.Conversation == "" && call.User != "" && c.user != call.User:
			return false
		}
		n := len(c.turns)
		if scope.Limit > 0 {
			n = min(n, scope.Limit-int(d.Turns))
		}
		keep := len(c.turns) - n
		clear(c.turns[keep:])
		c.turns, c.succeeded, c.keys = c.turns[:keep], nil, keys{}
		d.Turns += int64(n)
		if keep > 0 {
			d.More = true
			return false
		}
		d.Conversations++
		return true
	})
	if len(left) == 0 {
		delete(sh.unswept, id)
	} else {
		sh.unswept[id] = left
	}
	return d
}

// held reports whether a turn is running whose lease has not expired.
func (c *conversation) held(elapsed time.Duration) bool {
	return c.running != nil && !c.running.holder.expired(elapsed)
}
