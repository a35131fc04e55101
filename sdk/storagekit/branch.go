package storagekit

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Branch implements [storage.Brancher].
func (s *Store) Branch(ctx context.Context, req *storage.BranchRequest) (result *storage.BranchResult, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	err = s.update(ctx, req.Call, func(x *change) (err error) {
		result, err = x.branch(req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (x *change) branch(req *storage.BranchRequest) (*storage.BranchResult, error) {
	if err := x.mustLive(); err != nil {
		return nil, err
	}
	there, err := x.conversation(req.Call.Conversation)
	if err != nil {
		return nil, err
	}
	if there != nil {
		if there.branchOf == req.Source && (req.Through == 0 || there.branchAt == req.Through) && (!req.Owned || there.user == req.Call.User) {
			return there.branchResult(), nil
		}
		return nil, fault.New(fault.Conflict, "the conversation exists already").At("conversation")
	}
	source, err := x.visible(req.Source, req.Owned)
	if err != nil {
		return nil, err
	}
	sequences, size, through, err := x.toCopy(source, req.Through)
	if err != nil {
		return nil, err
	}
	if err := x.mayGrow(size); err != nil {
		return nil, err
	}
	now := x.now()
	c, err := x.add(now)
	if err != nil {
		return nil, err
	}
	c.branchOf, c.branchAt, c.branchTurns = req.Source, through, int64(len(sequences))
	for _, sequence := range sequences {
		t, err := x.turn(source.cid, sequence)
		if err != nil {
			return nil, err
		}
		t.token, t.RetractFrom, t.Sequence = "", 0, c.sequence+1
		if err := x.succeed(c, t); err != nil {
			return nil, err
		}
		if err := x.append(c, t); err != nil {
			return nil, err
		}
	}
	if err := x.markBehind(c); err != nil {
		return nil, err
	}
	return c.branchResult(), x.save(c)
}

func (c *conversation) branchResult() *storage.BranchResult {
	return &storage.BranchResult{Turns: c.branchTurns, Incarnation: c.cid, Through: c.branchAt}
}

// toCopy returns the sequences of the live turns of the source up to the number through, about how
// many bytes they have, and the number of the last of them. through 0 means the newest live turn.
func (v *view) toCopy(source *conversation, through int64) (sequences []int64, size int, last int64, err error) {
	tooMany := false
	turnKey := v.talk(source.cid, 'n')
	err = v.eachLive(source, 1, func(sequence, number int64) (bool, error) {
		if through > 0 && number > through {
			return false, nil
		}
		if tooMany = len(sequences) == sdk.MaxBranchTurns; tooMany {
			return false, nil
		}
		b, err := v.turnRecord(appendNumber(turnKey, sequence)) // in the array of turnKey
		sequences, last = append(sequences, sequence), number
		size += len(b)
		return true, err
	})
	switch {
	case err != nil:
	case tooMany:
		err = fault.New(fault.Invalid, "more than %d turns would be copied; take a smaller number, or a shorter conversation", sdk.MaxBranchTurns).At("through")
	case through > 0 && last != through:
		err = fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted", through).At("through")
	}
	return sequences, size, last, err
}
