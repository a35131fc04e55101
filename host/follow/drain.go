package follow

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// DrainWait is how long Drain waits for another host that follows what was deleted.
const DrainWait = 10 * time.Second

const (
	drainPoll   = 50 * time.Millisecond
	longestPoll = time.Second
)

// Drain lets the memory forget what was deleted: of the conversation if the call has one, and
// otherwise of the whole tenant. It works on the incarnation of the source's call. host is the Holder
// of this host's follower.
//
// If another host follows what was deleted, Drain waits up to DrainWait, and then returns
// fault.Conflict with a RetryAfter. After any error the caller calls Drain again: what is left stays
// to be forgotten.
func (s *Source) Drain(ctx context.Context, host, conversation string) error {
	giveUp := time.Now().Add(DrainWait)
	for wait := drainPoll; ; wait = min(2*wait, longestPoll) {
		n, held, err := s.forgetClaimed(ctx, forgetHolder(host), conversation, Lease)
		switch {
		case err != nil:
			return err
		case n > 0:
			wait = drainPoll
			continue // there may be more
		case !held:
			return nil
		case time.Now().After(giveUp):
			e := fault.New(fault.Conflict, "the memory is still being told of what was deleted, and must forget it afterwards; repeat the deletion").By(fault.PartyHost)
			e.RetryAfter = time.Second
			return e
		}
		if err := sleep(ctx, wait); err != nil {
			return fault.Of(err)
		}
	}
}

// ForgetDeleted lets the memory forget what was deleted of the tenant, without waiting for other hosts
// that do the same.
func (s *Source) ForgetDeleted(ctx context.Context, host string) error {
	for n := 1; n > 0; {
		var err error
		if n, _, err = s.forgetClaimed(ctx, forgetHolder(host), "", Lease); err != nil {
			return err
		}
	}
	return nil
}

// forgetHolder returns the name under which a host claims what is to be forgotten. It is the same
// for all its claims, so that a later call repeats what failed without waiting for the lease.
func forgetHolder(host string) string { return host + ".forget" }

// forgetClaimed claims what is to be forgotten, of all conversations if none is named, and lets the
// memory forget it. n is how much was forgotten. held reports that others hold something that must be
// forgotten.
func (s *Source) forgetClaimed(ctx context.Context, holder, conversation string, lease time.Duration) (n int, held bool, err error) {
	res, err := s.Cursors.Claim(ctx, &storage.ClaimRequest{Call: s.callOf(conversation), StoreKey: s.StoreKey, Holder: holder,
		Lease: lease, Limit: sdk.MaxClaims, Kind: storage.ClaimForget})
	if err != nil {
		return 0, false, err
	}
	for _, c := range res.Claimed {
		if err := s.forget(ctx, holder, c); err != nil {
			return n, res.Held, err
		}
		n++
	}
	return n, res.Held, nil
}

// forget lets the memory forget what a claimed cursor says, and removes the cursor.
func (s *Source) forget(ctx context.Context, holder string, c storage.Claimed) error {
	call := s.callOf(c.Conversation)
	call.User, call.ConversationIncarnation = c.User, c.Incarnation
	if err := s.Memory.(memory.Forgetter).Forget(ctx, call); err != nil { // Source.Memory is one
		return err
	}
	err := s.Cursors.Advance(ctx, &storage.AdvanceRequest{Call: s.callOf(c.Conversation), StoreKey: s.StoreKey, Holder: holder,
		Incarnation: c.Incarnation, User: c.User, Forgotten: true})
	if fault.Is(err, fault.Conflict) { // the claim has ended, and another host forgets the same
		return nil
	}
	return err
}
