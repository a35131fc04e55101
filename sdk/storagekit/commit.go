package storagekit

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Commit implements [storage.Storage]. The first Commit of a turn decides the turn's state. A
// repeated Commit with the same state returns the same number and changes nothing. A repeated Commit
// with a different state returns fault.Conflict. A turn whose lease has ended can still be committed,
// until a later Begin in the conversation interrupts the turn.
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (number int64, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return 0, err
	}
	err = s.update(ctx, req.Call, func(x *change) (err error) {
		number, err = x.commit(req)
		return err
	})
	return number, err
}

func (x *change) commit(req *storage.CommitRequest) (int64, error) {
	f := parseFence(req.Fence)
	c, err := x.own()
	if err != nil {
		return 0, err
	}
	if c == nil || c.cid != f.cid || f.sequence > c.sequence {
		return 0, errStale()
	}
	b, err := x.turnRecord(x.turnKey(c.cid, 'n', f.sequence))
	if err != nil {
		return 0, err
	}
	t := &x.ownTurn
	if err := t.decode(b); err != nil {
		return 0, err
	}
	switch {
	case f.token == "" || t.token != f.token:
		return 0, errStale()
	case t.State != storage.Running && t.State != req.State:
		return 0, fault.New(fault.Conflict, "the turn has %s already", t.State).At("state")
	case t.State != storage.Running:
		return t.Number, nil
	}
	now := x.now()
	t.State, t.Reason, t.Usage, t.Record, t.EndedAt = req.State, req.Reason, req.Usage, req.Record, now
	t.Messages = append(slices.Clip(t.Messages), req.Messages...)
	if req.State == storage.Succeeded {
		if err := x.succeed(c, t); err != nil {
			return 0, err
		}
	}
	if err := x.putTurn(c.cid, t); err != nil {
		return 0, err
	}
	c.updated = now
	if err := x.end(c); err != nil {
		return 0, err
	}
	return t.Number, x.save(c)
}

// errStale returns fault.Conflict for the fence of a turn that does not run.
func errStale() error {
	return fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
}
