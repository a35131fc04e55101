package memstore

import (
	"bytes"
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Import implements [storage.Importer].
func (s *Store) Import(ctx context.Context, req *storage.ImportRequest) (int64, error) {
	if err := check(ctx, req.Validate()); err != nil || len(req.Turns) == 0 {
		return 0, err
	}
	t, err := s.lockTenant(req.Call)
	if err != nil {
		return 0, err
	}
	defer t.mu.Unlock()
	c, known := t.conversations[req.Call.Conversation]
	if !known {
		c = &conversation{id: req.Call.Conversation, user: req.Call.User, created: req.Turns[0].StartedAt}
		c.bytes = conversationBytes + int64(len(c.id))
	}
	fresh, err := c.newTurns(req.Turns)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	if c.user != req.Call.User {
		return 0, fault.New(fault.Conflict, "the conversation belongs to another user").At("user")
	}
	var more int64
	for _, turn := range fresh {
		more += sizeOfTurn(turn)
	}
	if err := s.checkRoom(t, more); err != nil {
		return 0, err
	}
	if !known {
		c.incarnation = s.incarnations.Add(1)
		t.add(c)
	}
	for _, turn := range fresh {
		c.importTurn(turn)
		t.grow(c, sizeOfTurn(turn))
		t.addGuest(turn.User, c)
	}
	return int64(len(fresh)), nil
}

// newTurns returns those of the turns that the conversation does not have yet. It returns
// fault.Conflict if a turn differs from the existing turn with the same sequence, or if the new
// turns leave a gap after the existing turns. Locked: mu is held.
func (c *conversation) newTurns(turns []storage.Turn) ([]storage.Turn, error) {
	if c.running != nil {
		return nil, fault.New(fault.Conflict, "a turn is running in the conversation")
	}
	have := int64(len(c.turns))
	n := min(max(0, have-turns[0].Sequence+1), int64(len(turns)))
	for _, t := range turns[:n] {
		if there := c.turns[t.Sequence-1]; there.Number != t.Number || there.State != t.State {
			return nil, fault.New(fault.Conflict, "turn %d is there already, as number %d that has %s",
				t.Sequence, there.Number, there.State).At("turns")
		}
	}
	fresh := turns[n:]
	if len(fresh) > 0 && fresh[0].Sequence != have+1 {
		return nil, fault.New(fault.Conflict, "turn %d does not follow on the %d that are there", fresh[0].Sequence, have).At("turns")
	}
	number := int64(len(c.succeeded))
	for _, t := range fresh {
		if t.State != storage.Succeeded {
			continue
		}
		if number++; t.Number != number {
			return nil, fault.New(fault.Conflict, "turn %d has number %d where %d belongs", t.Sequence, t.Number, number).At("turns")
		}
	}
	return fresh, nil
}

// importTurn appends a turn that has ended in another storage. The turn keeps its idempotency key,
// but a Begin with that key starts a new turn, because the key is not added to the keys of the
// conversation.
func (c *conversation) importTurn(v storage.Turn) {
	v.Messages = bodiesOf(v.Messages)
	v.Metadata, v.Record, v.Usage = bytes.Clone(v.Metadata), bytes.Clone(v.Record), bytes.Clone(v.Usage)
	t := &turn{Turn: v, fenced: true}
	c.add(t)
	if v.State == storage.Succeeded {
		c.succeeded = append(c.succeeded, t)
	}
	if v.EndedAt.After(c.updated) {
		c.updated = v.EndedAt
	}
}
