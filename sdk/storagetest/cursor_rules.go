package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var cursorRules = []Rule{
	{
		Name:  "cursor-claim",
		Doc:   "Claim gives the cursors that are behind an ended turn, each to one holder at a time until its lease ends, and to that holder again.",
		Check: checkCursorClaim,
	},
	{
		Name:  "cursor-advance",
		Doc:   "Advance moves a cursor for its holder alone, never back, and may be repeated.",
		Check: checkCursorAdvance,
	},
	{
		Name:  "cursor-limit",
		Doc:   "Claims with a limit give each cursor once, and say whether more can be claimed and whether others hold some.",
		Check: checkCursorLimit,
	},
	{
		Name:  "cursor-racing",
		Doc:   "Of many holders that claim at once, each cursor has one.",
		Check: checkCursorRacing,
	},
	{
		Name:  "cursor-work",
		Doc:   "The work cursor of a tenant is always behind, has one holder at a time, and is apart from the cursors of conversations.",
		Check: checkCursorWork,
	},
	{
		Name:  "cursor-store-key",
		Doc:   "Store keys have cursors of their own, and another one begins at 0.",
		Check: checkCursorStoreKey,
	},
	{
		Name:  "cursor-dropped",
		Doc:   "A tenant has cursors of a bounded number of store keys. Another one takes the place of the one that was claimed least recently and is not held, and begins with all of the tenant to be forgotten.",
		Check: checkCursorDropped,
	},
	{
		Name:  "cursor-begin",
		Doc:   "Begin with a store key says how far its cursor is.",
		Check: checkCursorBegin,
	},
	{
		Name:  "cursor-bounds",
		Doc:   "Claims and advances that are out of bounds or name too little are invalid.",
		Check: checkCursorBounds,
	},
}

func checkCursorClaim(ctx context.Context, env *Env) error {
	c, d, foreign := env.talk("c"), env.talk("d").as(""), env.talkOf("-b", "c")
	one, other := c.follower(), c.follower().via(1)
	if err := one.idle(ctx, "claim in a tenant without conversations", false); err != nil {
		return err
	}
	s, err := c.start(ctx, "one")
	if err != nil {
		return err
	}
	if err := one.idle(ctx, "claim while the first turn runs", false); err != nil {
		return err
	}
	if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
		return err
	}
	if _, err := d.turn(ctx, "d"); err != nil {
		return err
	}
	if _, err := foreign.turn(ctx, "foreign"); err != nil {
		return err
	}
	got, err := one.claims(ctx, "claim of one conversation", []string{"c of user at 0"}, claimOf(c))
	if err != nil {
		return err
	}
	if at := got["c of user at 0"]; at.Incarnation != s.Incarnation {
		return fmt.Errorf("a claimed cursor has the incarnation %q; want %q, as Begin returned", at.Incarnation, s.Incarnation)
	}
	if err := other.idle(ctx, "claim of what another holder has", true, claimOf(c)); err != nil {
		return err
	}
	if _, err := other.claims(ctx, "claim of the rest", []string{"d of  at 0"}, claimLease(env.Lease)); err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	third := c.follower().via(2)
	if _, err := third.claims(ctx, "claim of what a holder had whose lease ended", []string{"d of  at 0"}, claimLease(env.Lease)); err != nil {
		return err
	}
	// A repeated claim extends the lease.
	if _, err := third.claims(ctx, "a repeated claim", []string{"d of  at 0"}); err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	if err := other.idle(ctx, "claim after the first lease of a holder that claimed again", true); err != nil {
		return err
	}
	_, err = one.claims(ctx, "claim of what the holder itself has", []string{"c of user at 0"})
	return err
}

func checkCursorAdvance(ctx context.Context, env *Env) error {
	c := env.talk("c")
	one, other := c.follower(), c.follower().via(1)
	for i := range 3 {
		if _, err := c.turn(ctx, fmt.Sprint(i)); err != nil {
			return err
		}
	}
	got, err := one.claims(ctx, "the first claim", []string{"c of user at 0"}, claimLease(env.Lease))
	if err != nil {
		return err
	}
	at := got["c of user at 0"]
	err = errors.Join(one.advance(ctx, at, 2, cursorData("two")), one.advance(ctx, at, 2, cursorData("two")), one.advance(ctx, at, 1, cursorData("one")))
	if err != nil {
		return fmt.Errorf("advance to 2, again, and to 1: %w", err)
	}
	if err := refused("advance by a holder that never had the claim", fault.Conflict, other.advance(ctx, at, 3)); err != nil {
		return err
	}
	// An advance extends the lease. One with the lease 0 ends it.
	if err := env.wait(ctx); err != nil {
		return err
	}
	if err := other.idle(ctx, "claim of what another holder has extended", true); err != nil {
		return err
	}
	res, err := one.claim(ctx)
	if err != nil {
		return err
	}
	if len(res.Claimed) != 1 || res.Claimed[0].Sequence != 2 {
		return fmt.Errorf("after advances to 2 and to 1: claimed %+v; want the cursor at 2", res.Claimed)
	}
	if err := one.advance(ctx, at, 2, cursorData("kept"), giveUp); err != nil {
		return err
	}
	if _, err := other.claims(ctx, "claim of what was given up", []string{"c of user at 2 (kept)"}); err != nil {
		return err
	}
	if err := refused("advance by the old holder", fault.Conflict, one.advance(ctx, at, 3)); err != nil {
		return err
	}
	if err := other.advance(ctx, at, 3); err != nil {
		return err
	}
	for _, f := range []follower{other, one} {
		if err := f.idle(ctx, "claim when all was followed", false); err != nil {
			return err
		}
	}
	if _, err := c.turn(ctx, "another"); err != nil {
		return err
	}
	if err := other.advance(ctx, at, 3, giveUp); err != nil {
		return err
	}
	_, err = one.claims(ctx, "claim after another turn", []string{"c of user at 3"})
	return err
}

func checkCursorLimit(ctx context.Context, env *Env) error {
	const conversations, limit = 7, 3
	for i := range conversations {
		if _, err := env.talk(fmt.Sprint("c", i)).turn(ctx, "one"); err != nil {
			return err
		}
	}
	holders := map[string]follower{} // by conversation
	claimed := map[string]storage.Claimed{}
	for i, n := range []int{limit, limit, conversations - 2*limit, 0} {
		f := env.talk("c0").follower().via(i)
		res, err := f.claim(ctx, claimLimit(limit))
		if err != nil {
			return err
		}
		if len(res.Claimed) != n || res.More != (i < 2) || n < limit && !res.Held {
			return fmt.Errorf("claim %d of at most %d of %d: got %d, more: %t, held: %t", i+1, limit, conversations, len(res.Claimed), res.More, res.Held)
		}
		for _, c := range res.Claimed {
			if _, twice := holders[c.Conversation]; twice {
				return fmt.Errorf("two holders claimed %q", c.Conversation)
			}
			holders[c.Conversation], claimed[c.Conversation] = f, c
		}
	}
	for id, f := range holders {
		if err := f.advance(ctx, claimed[id], 1); err != nil {
			return err
		}
	}
	return env.talk("c0").follower().idle(ctx, "claim when all was followed", false)
}

func checkCursorRacing(ctx context.Context, env *Env) error {
	const conversations, holders = 12, 16
	for i := range conversations {
		if _, err := env.talk(fmt.Sprint("c", i)).turn(ctx, "one"); err != nil {
			return err
		}
	}
	got := make(chan string, conversations*holders)
	tenant := env.talk("c0")
	err := together(holders, func(i int) error {
		f := tenant.follower().via(i)
		for range 3 {
			res, err := f.claim(ctx, claimLimit(3))
			if err != nil {
				return err
			}
			for _, c := range res.Claimed {
				if err := f.advance(ctx, c, 1); err != nil {
					return fmt.Errorf("advance of what was claimed: %w", err)
				}
				got <- c.Conversation
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	close(got)
	seen := map[string]int{}
	for c := range got {
		if seen[c]++; seen[c] > 1 {
			return fmt.Errorf("%q was claimed twice, by %d holders at once", c, holders)
		}
	}
	if len(seen) != conversations {
		return fmt.Errorf("%d of %d conversations were claimed", len(seen), conversations)
	}
	return nil
}
