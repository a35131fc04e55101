package storagekit

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// cursor returns the cursor of a store key in a conversation, or nil.
func (v *view) cursor(store, cid string) (*cursor, error) {
	b, err := v.Get(key(v.prefix, 'q', store, cid))
	if b == nil || err != nil {
		return nil, err
	}
	return decodeCursor(b)
}

// markBehind notes that the conversation may have more turns than its cursors say.
func (x *change) markBehind(c *conversation) error {
	stores, err := x.storeKeys()
	for _, store := range stores {
		if err == nil {
			err = x.tx.Put(key(x.prefix, 'b', store, c.cid), []byte(c.id))
		}
	}
	return err
}

// Claim implements [storage.CursorStore].
func (s *Store) Claim(ctx context.Context, req *storage.ClaimRequest) (result *storage.ClaimResult, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	for again := true; again; {
		err = s.update(ctx, req.Call, func(x *change) error {
			c := claim{change: x, ClaimRequest: req, now: x.now(), result: &storage.ClaimResult{}}
			err := c.run()
			result, again = c.result, c.again
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return result, nil
}

// claim is one Claim.
type claim struct {
	*change
	*storage.ClaimRequest
	now    time.Time
	result *storage.ClaimResult
	again  bool // the transaction dropped some cursors to make room for a new store key, and another one must go on
}

// run claims in one transaction. If it sets c.again, it has claimed nothing.
func (c *claim) run() error {
	if c.Kind == storage.ClaimWork {
		if err := c.mustLive(); err != nil {
			return err
		}
	}
	if err := c.know(); err != nil || c.again {
		return err
	}
	everything, err := c.Get(forgetKey(sdk.Call{Incarnation: c.view.call.Incarnation}, c.StoreKey, "", ""))
	if err != nil {
		return err
	}
	if c.Kind == storage.ClaimWork {
		if c.result.Held = everything != nil; c.result.Held {
			return nil
		}
		return c.work()
	}
	if err := c.forgets(everything != nil); err != nil || c.Kind == storage.ClaimForget || c.ended || everything != nil {
		return err
	}
	return c.behind()
}

// full reports whether no more can be claimed, and notes that there is more.
func (c *claim) full() bool {
	c.result.More = c.result.More || len(c.result.Claimed) == c.Limit
	return c.result.More
}

// work claims the cursor of background work.
func (c *claim) work() error {
	k := key(nil, 'W', c.view.call.Incarnation, c.StoreKey)
	b, err := c.Get(k)
	if err != nil {
		return err
	}
	at, err := decodeCursor(b)
	if err != nil {
		return err
	}
	if at.heldByOther(c.Holder, c.now) {
		c.result.Held = true
		return nil
	}
	at.holder, at.until = c.Holder, leaseEnd(c.now, c.Lease)
	c.result.Claimed = []storage.Claimed{{Sequence: at.sequence, Data: at.data}}
	return c.tx.Put(k, at.encode())
}

// behind claims the cursors of conversations that are behind. At the first claim of a store key, all
// conversations are.
func (c *claim) behind() error {
	prefix := key(c.prefix, 'b', c.StoreKey)
	var caughtUp [][]byte
	err := c.entries(prefix, func(k, value []byte) (bool, error) {
		if c.view.call.Conversation != "" && string(value) != c.view.call.Conversation {
			return true, nil
		}
		if c.full() {
			return false, nil
		}
		cid, _ := cutText(k[len(prefix):])
		behind, err := c.one(cid, string(value))
		if !behind {
			caughtUp = append(caughtUp, k)
		}
		return err == nil, err
	})
	for _, k := range caughtUp {
		if err == nil {
			err = c.tx.Delete(k)
		}
	}
	for _, taken := range c.result.Claimed {
		if err == nil && !taken.Forget {
			err = c.hold(taken)
		}
	}
	return err
}

// one adds the cursor of a conversation to the result if it can be claimed. behind is false if the
// conversation is not behind at all.
func (c *claim) one(cid, id string) (behind bool, err error) {
	talk, err := c.conversation(id)
	if err != nil || talk == nil || talk.cid != cid {
		return false, err
	}
	at, err := c.cursor(c.StoreKey, cid)
	if err != nil {
		return true, err
	}
	if at == nil {
		at = &cursor{}
	}
	switch {
	case talk.ended() <= at.sequence:
		return false, nil
	case at.heldByOther(c.Holder, c.now):
		c.result.Held = true
	default:
		c.result.Claimed = append(c.result.Claimed, storage.Claimed{Conversation: id, Incarnation: cid, User: talk.user, Sequence: at.sequence, Data: at.data})
	}
	return true, nil
}

// hold writes the claim of a conversation's cursor.
func (c *claim) hold(taken storage.Claimed) error {
	at := cursor{conversation: taken.Conversation, sequence: taken.Sequence, data: taken.Data, holder: c.Holder, until: leaseEnd(c.now, c.Lease)}
	return c.tx.Put(key(c.prefix, 'q', c.StoreKey, taken.Incarnation), at.encode())
}

// Advance implements [storage.CursorStore].
func (s *Store) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	if err := check(ctx, req.Validate()); err != nil {
		return err
	}
	return s.update(ctx, req.Call, func(x *change) error {
		switch {
		case req.Forgotten:
			return x.forgotten(req)
		case req.Call.Conversation == "":
			return x.advance(req, key(nil, 'W', req.Call.Incarnation, req.StoreKey), nil)
		}
		return x.advanceConversation(req)
	})
}

// lost returns fault.Conflict, for a holder that does not have the claim.
func lost() error { return fault.New(fault.Conflict, "another holder has the claim, or nobody") }

// advanceConversation moves the cursor of a conversation.
func (x *change) advanceConversation(req *storage.AdvanceRequest) error {
	b, err := x.Get(forgetKey(req.Call, req.StoreKey, req.Incarnation, ""))
	if err != nil {
		return err
	}
	c, err := x.conversation(req.Call.Conversation)
	if err != nil {
		return err
	}
	if b != nil || c == nil || c.cid != req.Incarnation {
		return fault.New(fault.NotFound, "the conversation was deleted, and its cursor must be forgotten")
	}
	return x.advance(req, key(x.prefix, 'q', req.StoreKey, req.Incarnation), c)
}

// advance moves the cursor with the key. c is its conversation, or nil.
func (x *change) advance(req *storage.AdvanceRequest, k []byte, c *conversation) error {
	b, err := x.Get(k)
	if err != nil {
		return err
	}
	at, err := decodeCursor(b)
	if err != nil {
		return err
	}
	if at.holder != req.Holder || b == nil {
		return lost()
	}
	if req.Sequence >= at.sequence {
		at.sequence, at.data = req.Sequence, req.Data
	}
	at.until = time.Time{}
	if req.Lease > 0 {
		at.until = leaseEnd(x.now(), req.Lease)
	}
	if c != nil && at.sequence >= c.ended() {
		if err := x.tx.Delete(key(x.prefix, 'b', req.StoreKey, c.cid)); err != nil {
			return err
		}
	}
	return x.tx.Put(k, at.encode())
}
