package storagekit

import (
	"context"
	"math"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Import implements [storage.Importer].
func (s *Store) Import(ctx context.Context, req *storage.ImportRequest) (turns int64, err error) {
	if err := check(ctx, req.Validate()); err != nil || len(req.Turns) == 0 {
		return 0, err
	}
	err = s.update(ctx, req.Call, func(x *change) (err error) {
		turns, err = x.imports(req)
		return err
	})
	return turns, err
}

func (x *change) imports(req *storage.ImportRequest) (int64, error) {
	if err := x.mustLive(); err != nil {
		return 0, err
	}
	c, err := x.conversation(req.Call.Conversation)
	if err != nil {
		return 0, err
	}
	made := c == nil
	if made {
		if c, err = x.add(req.Turns[0].StartedAt); err != nil {
			return 0, err
		}
		c.updated = req.Turns[0].StartedAt
	}
	fresh, err := x.newTurns(c, req.Turns)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	if !made && c.user != req.Call.User {
		return 0, fault.New(fault.Conflict, "the conversation belongs to another user").At("user")
	}
	size := 0
	for _, t := range fresh {
		size += t.Size()
	}
	if err := x.mayGrow(size); err != nil {
		return 0, err
	}
	for _, t := range fresh {
		t.Messages = bodiesOf(t.Messages)
		if err := x.importTurn(c, &turn{Turn: t}); err != nil {
			return 0, err
		}
	}
	if err := x.markBehind(c); err != nil {
		return 0, err
	}
	return int64(len(fresh)), x.save(c)
}

// importTurn appends a turn that has ended in another storage. It does not note that the turn's
// idempotency key was used, so that a Begin with the key starts a new turn.
func (x *change) importTurn(c *conversation, t *turn) error {
	if t.RetractFrom > 0 && t.RetractFrom <= c.number {
		if err := x.retract(c, t.RetractFrom, t.Sequence, math.MaxInt); fault.Is(err, fault.Conflict) {
			// The import has the turns that this turn retracts as retracted ones.
			err = x.noteRetraction(c, storage.Retraction{Sequence: t.Sequence, From: t.RetractFrom, To: c.number})
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	if t.State == storage.Succeeded {
		if t.Retracted {
			c.number++
		} else if err := x.succeed(c, t); err != nil {
			return err
		}
	}
	c.updated = later(c.updated, t.EndedAt)
	return x.append(c, t)
}

// newTurns returns the turns that the conversation does not have yet. It returns fault.Conflict if a
// turn runs in the conversation, if a turn differs from the stored one with its sequence, or if the
// turns do not follow the stored ones without a gap.
func (v *view) newTurns(c *conversation, turns []storage.Turn) ([]storage.Turn, error) {
	if c.running != 0 {
		return nil, fault.New(fault.Conflict, "a turn is running in the conversation")
	}
	n := min(max(0, c.sequence-turns[0].Sequence+1), int64(len(turns)))
	for _, t := range turns[:n] {
		there, err := v.turn(c.cid, t.Sequence)
		if err != nil {
			return nil, err
		}
		if there.Number != t.Number || there.State != t.State {
			return nil, fault.New(fault.Conflict, "turn %d is there already, as number %d that has %s",
				t.Sequence, there.Number, there.State).At("turns")
		}
	}
	fresh := turns[n:]
	if len(fresh) > 0 && fresh[0].Sequence != c.sequence+1 {
		return nil, fault.New(fault.Conflict, "turn %d does not follow on the %d that are there", fresh[0].Sequence, c.sequence).At("turns")
	}
	number := c.number
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
