package memstore

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Begin implements [storage.Storage]. When a caller repeats the Begin of a turn that is still
// running, Begin returns the result of the first Begin again and renews the turn's lease.
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	t, err := s.lockTenant(req.Call)
	if err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	elapsed, stamp := s.elapsed(), s.stamp()
	c := t.conversations[req.Call.Conversation]
	if c != nil {
		if !c.visibleTo(req.Call, req.Owned) {
			return nil, notFound()
		}
		if again := c.startedBy(req); again != nil {
			again.holder.extend(elapsed + req.Lease)
			return s.started(c, again, req), nil
		}
		if res := c.withoutStart(req, elapsed); res != nil {
			return res, nil
		}
	}
	if err := s.checkRoom(t, sizeOfBegin(req)); err != nil {
		return nil, err
	}
	if c == nil {
		c = &conversation{
			id: req.Call.Conversation, user: req.Call.User,
			incarnation: s.incarnations.Add(1), created: stamp,
		}
		c.bytes = conversationBytes + int64(len(c.id))
		t.add(c)
	}
	h := s.holders.acquire(req.Holder, elapsed, req.Lease)
	if dead := c.interruptExpired(stamp); dead != nil {
		s.holders.release(dead)
	}
	begun := c.start(req, h, stamp, elapsed)
	t.grow(c, sizeOfBegin(req))
	t.addGuest(req.Call.User, c)
	return s.started(c, begun, req), nil
}

// started returns the result of a Begin whose turn t holds the conversation c.
func (s *Store) started(c *conversation, t *turn, req *storage.BeginRequest) *storage.BeginResult {
	tail, cut := c.tail(req.Tail, req.TailBytesOrDefault())
	return &storage.BeginResult{Started: &storage.Started{
		Sequence: t.Sequence, Fence: s.fence(c, t), Tail: tail, TailCut: cut, Incarnation: s.incarnationOf(c),
	}}
}

// Commit implements [storage.Storage]. The first Commit of a turn decides the turn's state. A
// repeated Commit with the same state returns the same turn number and changes nothing. A repeated
// Commit with a different state returns fault.Conflict. A turn whose lease has expired can still be
// committed, until a later Begin in the conversation interrupts the turn.
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := check(ctx, req.Validate()); err != nil {
		return 0, err
	}
	t := s.lookup(req.Call)
	if t == nil {
		_, err := s.turnOf(req.Fence, nil)
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var c *conversation
	if !t.gone {
		c = t.conversations[req.Call.Conversation]
	}
	held, err := s.turnOf(req.Fence, c)
	switch {
	case err != nil:
		return 0, err
	case held.State == storage.Running:
		s.holders.release(held.holder)
		c.commit(held, req, s.stamp())
		t.grow(c, sizeOfCommit(req))
	case held.State != req.State:
		return 0, fault.New(fault.Conflict, "the turn has %s already", held.State).At("state")
	}
	return held.Number, nil
}

// grow adds n to the byte counts of the conversation c and of the tenant. Locked: mu is held.
func (t *tenant) grow(c *conversation, n int64) {
	c.bytes += n
	t.change(n)
}
