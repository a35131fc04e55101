package archivetest

import (
	"context"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Delete implements storage.Storage.
func (s *Storage) Delete(_ context.Context, scope storage.Scope) (d storage.Deleted, err error) {
	leave, err := s.enter("Delete", scope.Call, false)
	if err != nil {
		return d, err
	}
	defer leave()
	call := scope.Call
	whole := call.Conversation == "" && call.User == ""
	if whole && !scope.Tenant || scope.Limit < 0 || scope.Owned && (call.User == "" || call.Conversation == "") {
		return d, fault.New(fault.Invalid, "names too little").At("tenant")
	}
	covers := func(c *conversation) bool {
		switch {
		case c.owner != of(call).owner:
			return false
		case call.Conversation != "":
			return c.id == call.Conversation && !c.shut(call, scope.Owned)
		}
		return call.User == "" || c.user == call.User
	}
	for a, c := range s.conversations {
		if c.owner != of(call).owner || !scope.Before.IsZero() && s.spared(c, scope.Before) {
			continue
		}
		if call.Conversation == "" && call.User != "" && (c.user != call.User || c.shared()) {
			d.Emptied += c.empty(call.User)
			continue
		}
		if !covers(c) {
			continue
		}
		delete(s.conversations, a)
		s.removed = append(s.removed, c)
	}
	if whole && scope.Before.IsZero() && call.Incarnation != "" {
		s.dead[of(call).owner] = true
	}
	left := s.removed[:0]
	for _, c := range s.removed {
		if covers(c) {
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

func (s *Storage) spared(c *conversation, before time.Time) bool {
	t := c.running()
	return !c.updated.Before(before) || t != nil && s.leases[t.holder].After(time.Now())
}

// Import implements storage.Importer.
func (s *Storage) Import(_ context.Context, req *storage.ImportRequest) (int64, error) {
	leave, err := s.enter("Import", req.Call, true)
	if err != nil {
		return 0, err
	}
	defer leave()
	for i, t := range req.Turns {
		if !hasEnded(t.State) || (t.State == storage.Succeeded) != (t.Number > 0) || t.Sequence < 1 ||
			i > 0 && t.Sequence != req.Turns[i-1].Sequence+1 {
			return 0, fault.New(fault.Invalid, "turn %d contradicts itself or the one before", t.Sequence).At("turns")
		}
	}
	if len(req.Turns) == 0 {
		return 0, nil
	}
	c, err := s.find(req.Call, req.Turns[0].StartedAt)
	if err != nil {
		return 0, err
	}
	if c.running() != nil {
		return 0, fault.New(fault.Conflict, "a turn is running there")
	}
	number := c.number
	var fresh []*turn
	for _, t := range req.Turns {
		if t.Sequence <= int64(len(c.turns)) {
			if there := c.turns[t.Sequence-1]; there.Number != t.Number || there.State != t.State {
				return 0, fault.New(fault.Conflict, "turn %d is another one there", t.Sequence).At("turns")
			}
			continue
		}
		if t.State == storage.Succeeded {
			number++
		}
		if t.Sequence != int64(len(c.turns)+len(fresh))+1 || t.Number != 0 && t.Number != number {
			return 0, fault.New(fault.Conflict, "turn %d does not follow on what is there", t.Sequence).At("turns")
		}
		t.Messages = slices.Clone(t.Messages)
		fresh = append(fresh, &turn{Turn: t, closed: true}) // its key replays nothing
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if c.user != req.Call.User {
		return 0, fault.New(fault.Conflict, "the conversation is another user's").At("user")
	}
	s.conversations[c.address] = c
	c.turns, c.number = append(c.turns, fresh...), number
	for _, t := range fresh {
		if t.EndedAt.After(c.updated) {
			c.updated = t.EndedAt
		}
	}
	return int64(len(fresh)), nil
}
