package follow

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// step does a part of what there is to do for a tenant, and returns when the next step is due.
func (f *Follower) step(ctx context.Context, tenant string) (next, error) {
	src, release, err := f.o.Open(ctx, tenant)
	if err != nil || src == nil {
		return nothing, err
	}
	defer release()
	s := &step{f: f, Source: src, holder: f.o.Holder + "." + rand.Text(), lease: f.o.lease}
	// What was deleted comes first, so that a memory that was away does not recall it.
	forgotten, _, err := src.forgetClaimed(ctx, forgetHolder(f.o.Holder), "", f.o.lease)
	f.forgotten.Add(int64(forgotten))
	if err != nil {
		return nothing, err
	}
	due, err := s.follow(ctx)
	if due == now || err != nil {
		return due, err
	}
	more, err := s.work(ctx)
	if more {
		due = now
	}
	return due, err
}

// step is one step of a tenant. It holds the cursors that it has claimed under a name of its own.
type step struct {
	f *Follower
	*Source
	holder string
	lease  time.Duration
}

// follow claims conversations that are behind or to be forgotten, and follows each of them for one
// page. If one conversation fails and the memory answers, follow goes on with the others. The failed
// one stays claimed until the lease ends, so that others come first. If the memory does not answer,
// follow gives all claims back, so that the next step can try them.
func (s *step) follow(ctx context.Context) (due next, err error) {
	begun := time.Now()
	res, err := s.Cursors.Claim(ctx, &storage.ClaimRequest{Call: s.Call, StoreKey: s.StoreKey, Holder: s.holder, Lease: s.lease,
		Limit: bounds.FollowConversations, Kind: storage.ClaimAll})
	if err != nil {
		return nothing, err
	}
	switch {
	case res.More:
		due = now
	case res.Held:
		due = held
	}
	var failures []error
	for i, c := range res.Claimed {
		// What is left is given back in time, so that the claims of a slow memory do not end while
		// it works.
		if ctx.Err() != nil || time.Since(begun) > s.lease/3 {
			s.giveBack(res.Claimed[i:])
			due = now
			break
		}
		again, err := s.one(ctx, c)
		if err != nil {
			failures = append(failures, err)
		}
		if err != nil && isDown(err) { // the others would fail too
			s.giveBack(res.Claimed[i:])
			break
		}
		if again {
			due = now
		}
	}
	return due, errors.Join(failures...)
}

// isDown reports whether the error says that the plugin or what is behind it does not answer, so that
// other conversations would fail too.
func isDown(err error) bool {
	switch fault.Of(err).Class {
	case fault.PluginUnavailable, fault.Deadline, fault.ProviderFailed, fault.RateLimited, fault.QuotaExhausted, fault.Unauthenticated:
		return true
	}
	return false
}

// one handles one claimed cursor: it follows a page of the conversation, or lets the memory forget. more
// reports that there is more to follow afterwards.
func (s *step) one(ctx context.Context, c storage.Claimed) (more bool, err error) {
	if c.Forget {
		err := s.forget(ctx, s.holder, c)
		if err == nil {
			s.f.forgotten.Add(1)
		}
		// A cursor without a conversation stands for the whole tenant. Claim returns no conversation
		// before the memory has forgotten the tenant, so conversations may be left to claim.
		return c.Conversation == "" && err == nil, err
	}
	p, err := s.readPage(ctx, c)
	if err != nil {
		return false, err
	}
	reached := p.last
	if len(p.events) > 0 {
		if reached, err = s.remember(ctx, c, p); err != nil {
			return false, err
		}
	}
	err = s.Cursors.Advance(ctx, &storage.AdvanceRequest{Call: s.callOf(c.Conversation), StoreKey: s.StoreKey, Holder: s.holder,
		Incarnation: c.Incarnation, Sequence: max(reached, c.Sequence), Data: p.dataAt(reached)})
	switch {
	case fault.Is(err, fault.NotFound): // deleted meanwhile, and this step still has the claim
		n, _, err := s.forgetClaimed(ctx, s.holder, c.Conversation, s.lease)
		s.f.forgotten.Add(int64(n))
		return true, err
	case fault.Is(err, fault.Conflict): // the lease has ended, and another host follows the conversation
		return false, nil
	}
	return p.more || reached < p.last, err
}

// remember passes the events of the page to the memory. It returns the sequence up to which the memory
// has everything. The page has at least one event.
func (s *step) remember(ctx context.Context, c storage.Claimed, p *page) (int64, error) {
	call := s.callOf(c.Conversation)
	call.User, call.ConversationIncarnation = c.User, c.Incarnation
	r := s.Memory.(memory.Rememberer) // Source.Memory is one
	reached, err := r.Remember(ctx, &memory.RememberRequest{Call: call, Events: p.events, After: c.Sequence})
	if err != nil {
		return 0, err
	}
	for _, e := range p.events {
		if e.Turn != nil && e.Sequence() <= reached {
			s.f.remembered.Add(1)
		}
	}
	if reached >= p.events[len(p.events)-1].Sequence() {
		reached = p.last // what follows the last event needs no remembering
	}
	if reached <= c.Sequence {
		return 0, fault.New(fault.PluginUnavailable, "the memory kept nothing of what it was given after turn %d", c.Sequence).By(fault.PartyPlugin)
	}
	return reached, nil
}

// giveBack gives claims up without a change.
func (s *step) giveBack(claims []storage.Claimed) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease/10)
	defer cancel()
	for _, c := range claims {
		if c.Forget {
			continue // Advance can only remove it, and not give it back; its claim ends with the lease
		}
		// After an error the claim ends with its lease.
		_ = s.Cursors.Advance(ctx, &storage.AdvanceRequest{Call: s.callOf(c.Conversation), StoreKey: s.StoreKey, Holder: s.holder,
			Incarnation: c.Incarnation, Sequence: c.Sequence, Data: c.Data})
	}
}

// callOf returns the source's call with the conversation in it.
func (s *Source) callOf(conversation string) sdk.Call {
	call := s.Call
	call.Conversation = conversation
	return call
}
