package memstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// Delete implements [storage.Storage]. What it unlinks can be reached no more, and
// its turns are let go of in steps of the limit.
func (s *Store) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	call := scope.Call
	if err := check(ctx, scope.Validate()); err != nil {
		return storage.Deleted{}, err
	}
	whole := call.Conversation == "" && call.User == ""
	var doomed []*conversation
	var emptied int64
	if whole && scope.Before.IsZero() {
		doomed = s.purge(call)
	} else if t := s.lookup(call); t != nil {
		doomed, emptied = s.unlink(t, scope)
	}
	id := tenantID{call.Tenant, call.Incarnation}
	d := s.shard(id).sweep(id, scope, doomed)
	d.Emptied = emptied
	return d, nil
}

// unlink takes what the scope names out of the tenant, and counts the turns that it
// empties in what stays.
func (s *Store) unlink(t *tenant, scope storage.Scope) (doomed []*conversation, emptied int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil, 0
	}
	elapsed, stamp := s.elapsed(), s.stamp()
	spared := func(c *conversation) bool {
		return !scope.Before.IsZero() && (!c.updated.Before(scope.Before) || c.held(elapsed))
	}
	doom := func(c *conversation) {
		if !spared(c) {
			doomed = append(doomed, c)
		}
	}
	switch call := scope.Call; {
	case call.Conversation != "":
		if c := t.conversations[call.Conversation]; c.admits(call, scope.Owned) {
			doom(c)
		}
	case call.User != "":
		shared := slices.Collect(maps.Keys(t.asGuest[call.User]))
		for _, c := range t.ofUser(call.User) {
			if len(c.guests) > 0 {
				shared = append(shared, c)
			} else {
				doom(c)
			}
		}
		for _, c := range shared {
			if !spared(c) {
				emptied += t.empty(c, call.User, stamp)
			}
		}
	default:
		for _, c := range t.conversations {
			doom(c)
		}
	}
	for _, c := range doomed {
		t.remove(c)
	}
	return doomed, emptied
}

// empty empties the user's turns in a conversation that stays, and counts them.
func (t *tenant) empty(c *conversation, user string, stamp time.Time) (emptied int64) {
	c.keys.forget(func(turn *turn) bool { return turn.User == user })
	for _, turn := range c.turns {
		if turn.User != user {
			continue
		}
		if turn == c.running {
			c.running = nil
		}
		t.grow(c, turnBytes-sizeOfTurn(turn.Turn))
		turn.Turn, turn.holder, turn.attempt, turn.overtaken = turn.Emptied(stamp), nil, "", true
		emptied++
	}
	delete(c.guests, user)
	t.part(user, c)
	if c.user == user {
		t.disown(c)
	}
	return emptied
}

// sweep lets go of turns of unlinked conversations that the scope covers: those
// that were just doomed, and those that earlier steps left over.
func (sh *shard) sweep(id tenantID, scope storage.Scope, doomed []*conversation) (d storage.Deleted) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	left := append(sh.leftovers[id], doomed...)
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
		delete(sh.leftovers, id)
	} else {
		sh.leftovers[id] = left
	}
	return d
}

// held reports whether a turn of a living holder runs.
func (c *conversation) held(elapsed time.Duration) bool {
	return c.running != nil && !c.running.holder.lapsed(elapsed)
}
