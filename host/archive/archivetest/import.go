package archivetest

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Import implements storage.Importer.
func (s *Storage) Import(_ context.Context, req *storage.ImportRequest) (int64, error) {
	end, err := s.beginNamed("Import", req.Call)
	if err != nil {
		return 0, err
	}
	defer end()
	for i, t := range req.Turns {
		if !hasEnded(t.State) || (t.State == storage.Succeeded) != (t.Number > 0) || t.Sequence < 1 ||
			i > 0 && t.Sequence != req.Turns[i-1].Sequence+1 {
			return 0, fault.New(fault.Invalid, "turn %d contradicts itself or the one before", t.Sequence).At("turns")
		}
	}
	if len(req.Turns) == 0 {
		return 0, nil
	}
	c, err := s.findLocked(req.Call, req.Turns[0].StartedAt)
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
		// An idempotency key is not imported, so a Begin with the key of an imported turn
		// starts a new turn.
		fresh = append(fresh, &turn{Turn: t, closed: true})
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
