package archivetest

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Delete implements storage.Storage.
func (s *Storage) Delete(_ context.Context, scope storage.Scope) (d storage.Deleted, err error) {
	end, err := s.begin("Delete", scope.Call)
	if err != nil {
		return d, err
	}
	defer end()
	call := scope.Call
	whole := call.Conversation == "" && call.User == ""
	if whole && !scope.Tenant || scope.Limit < 0 || scope.Owned && (call.User == "" || call.Conversation == "") {
		return d, fault.New(fault.Invalid, "names too little").At("tenant")
	}
	matches := func(c *conversation) bool {
		switch {
		case c.owner != addressOf(call).owner:
			return false
		case call.Conversation != "":
			return c.id == call.Conversation && !c.hiddenFrom(call, scope.Owned)
		}
		return call.User == "" || c.user == call.User
	}
	for a, c := range s.conversations {
		if c.owner != addressOf(call).owner || !scope.Before.IsZero() && s.isKeptLocked(c, scope.Before) {
			continue
		}
		if call.Conversation == "" && call.User != "" && (c.user != call.User || c.shared()) {
			d.Emptied += c.empty(call.User)
			continue
		}
		if !matches(c) {
			continue
		}
		delete(s.conversations, a)
		s.removed = append(s.removed, c)
	}
	if whole && scope.Before.IsZero() && call.Incarnation != "" {
		s.erased[addressOf(call).owner] = true
	}
	left := s.removed[:0]
	for _, c := range s.removed {
		if matches(c) {
			n := len(c.turns)
			if scope.Limit > 0 {
				n = min(n, scope.Limit-int(d.Turns))
			}
			c.turns = c.turns[n:]
			d.Turns += int64(n)
			if len(c.turns) == 0 {
				d.Conversations++
				continue
			}
			d.More = true
		}
		left = append(left, c)
	}
	s.removed = left
	return d, nil
}

// isKeptLocked reports whether a deletion of conversations that were last changed before the
// time before must keep the conversation c: c was changed at that time or later, or a turn runs
// in c and the lease of its holder has not run out.
//
// Locked: mu is held.
func (s *Storage) isKeptLocked(c *conversation, before time.Time) bool {
	t := c.running()
	return !c.updated.Before(before) || t != nil && s.leases[t.holder].After(time.Now())
}
