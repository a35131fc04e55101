package memstore

import (
	"context"
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
	if whole && scope.Before.IsZero() {
		doomed = s.purge(call)
	} else if t := s.lookup(call); t != nil {
		doomed = s.unlink(t, scope)
	}
	id := tenantID{call.Tenant, call.Incarnation}
	return s.shard(id).sweep(id, scope, doomed), nil
}

// unlink takes what the scope names out of the tenant.
func (s *Store) unlink(t *tenant, scope storage.Scope) []*conversation {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil
	}
	var doomed []*conversation
	elapsed := s.elapsed()
	doom := func(c *conversation) {
		if scope.Before.IsZero() || c.updated.Before(scope.Before) && !c.held(elapsed) {
			doomed = append(doomed, c)
		}
	}
	switch call := scope.Call; {
	case call.Conversation != "":
		if c := t.conversations[call.Conversation]; c != nil {
			doom(c)
		}
	case call.User != "":
		for _, c := range t.ofUser(call.User) {
			doom(c)
		}
	default:
		for _, c := range t.conversations {
			doom(c)
		}
	}
	for _, c := range doomed {
		t.remove(c)
	}
	return doomed
}

// sweep lets go of turns of unlinked conversations that the scope covers: those
// that were just doomed, and those that earlier steps left over.
func (sh *shard) sweep(id tenantID, scope storage.Scope, doomed []*conversation) (d storage.Deleted) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	left := append(sh.leftovers[id], doomed...)
	left = slices.DeleteFunc(left, func(c *conversation) bool {
		switch call := scope.Call; {
		case call.Conversation != "" && c.id != call.Conversation,
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
