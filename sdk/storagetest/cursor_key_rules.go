package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func checkCursorWork(ctx context.Context, env *Env) error {
	c := env.talk("c")
	one, other, foreign := c.follower(), c.follower().via(1), env.talkOf("-b", "c").follower()
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	work := claimKind(storage.ClaimWork)
	got, err := one.claims(ctx, "claim of work", []string{"work at 0"}, work, claimLease(env.Lease))
	if err != nil {
		return err
	}
	if err := other.idle(ctx, "claim of work that another holder has", true, work); err != nil {
		return err
	}
	if _, err := foreign.claims(ctx, "claim of another tenant's work", []string{"work at 0"}, work); err != nil {
		return err
	}
	if _, err := other.claims(ctx, "claim of conversations while another holder has the work", []string{"c of user at 0"}); err != nil {
		return err
	}
	at := got["work at 0"]
	if err := one.advance(ctx, at, 0, cursorData("page 2"), giveUp); err != nil {
		return fmt.Errorf("advance of work: %w", err)
	}
	if _, err = other.claims(ctx, "claim of work that was given up", []string{"work at 0 (page 2)"}, work, claimLease(env.Lease)); err != nil {
		return err
	}
	if err := refused("advance of work by the old holder", fault.Conflict, one.advance(ctx, at, 0, cursorData("page 3"))); err != nil {
		return err
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	if _, err = one.claims(ctx, "claim of work after the lease", []string{"work at 0 (page 2)"}, work); err != nil {
		return err
	}
	return refused("advance of work by a holder whose lease ended", fault.Conflict, other.advance(ctx, at, 0, cursorData("late")))
}

func checkCursorStoreKey(ctx context.Context, env *Env) error {
	c := env.talk("c")
	old := c.follower()
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	got, err := old.claims(ctx, "the first claim", []string{"c of user at 0"})
	if err != nil {
		return err
	}
	if err := old.advance(ctx, got["c of user at 0"], 1, cursorData("old"), giveUp); err != nil {
		return err
	}
	if err := old.idle(ctx, "claim when all was followed", false); err != nil {
		return err
	}
	changed := c.follower().storeKey("changed")
	if _, err := changed.claims(ctx, "claim with another store key", []string{"c of user at 0"}); err != nil {
		return err
	}
	if _, err := c.turn(ctx, "two"); err != nil {
		return err
	}
	_, err = old.claims(ctx, "claim with the first store key, while one of another has the conversation", []string{"c of user at 1 (old)"})
	return err
}

func checkCursorBegin(ctx context.Context, env *Env) error {
	c := env.talk("c")
	f := c.follower()
	follow := func(r *storage.BeginRequest) { r.CursorKey = f.store }
	if _, err := f.cursors(); err != nil {
		return err
	}
	begin := func(what string, want int64) error {
		s, err := c.turn(ctx, what, follow)
		if err != nil {
			return err
		}
		if s.Cursor != want || len(s.Retractions) > 0 {
			return fmt.Errorf("begin %s: the cursor is at %d with retractions %+v; want %d and none", what, s.Cursor, s.Retractions, want)
		}
		return nil
	}
	for range 2 {
		if err := begin("before any claim", 0); err != nil {
			return err
		}
	}
	got, err := f.claims(ctx, "the first claim", []string{"c of user at 0"})
	if err != nil {
		return err
	}
	if err := begin("after a claim", 0); err != nil {
		return err
	}
	if err := f.advance(ctx, got["c of user at 0"], 2); err != nil {
		return err
	}
	if err := begin("after an advance", 2); err != nil {
		return err
	}
	s, err := c.start(ctx, "of another store key", func(r *storage.BeginRequest) { r.CursorKey = env.id("other") })
	if err == nil && s.Cursor != 0 {
		err = fmt.Errorf("the cursor of another store key is at %d; want 0", s.Cursor)
	}
	return err
}

func checkCursorBounds(ctx context.Context, env *Env) error {
	c := env.talk("c")
	f := c.follower()
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	got, err := f.claims(ctx, "the first claim", []string{"c of user at 0"})
	if err != nil {
		return err
	}
	long := string(make([]byte, sdk.MaxStoreKeyBytes+1))
	var wrong []error
	for what, set := range map[string]func(*storage.ClaimRequest){
		"no tenant":        func(r *storage.ClaimRequest) { r.Call.Tenant = "" },
		"no store key":     func(r *storage.ClaimRequest) { r.StoreKey = "" },
		"a long store key": func(r *storage.ClaimRequest) { r.StoreKey = long },
		"no holder":        func(r *storage.ClaimRequest) { r.Holder = "" },
		"no lease":         claimLease(0),
		"limit 0":          claimLimit(0),
		"a large limit":    claimLimit(sdk.MaxClaims + 1),
		"no kind":          claimKind(0),
		"an unknown kind":  claimKind(storage.ClaimWork + 1),
	} {
		_, err := f.claim(ctx, set)
		wrong = append(wrong, refused("claim with "+what, fault.Invalid, err))
	}
	for what, set := range map[string]func(*storage.AdvanceRequest){
		"no tenant":           func(r *storage.AdvanceRequest) { r.Call.Tenant = "" },
		"no store key":        func(r *storage.AdvanceRequest) { r.StoreKey = "" },
		"no holder":           func(r *storage.AdvanceRequest) { r.Holder = "" },
		"a negative lease":    func(r *storage.AdvanceRequest) { r.Lease = -longLease },
		"a negative sequence": func(r *storage.AdvanceRequest) { r.Sequence = -1 },
		"large data":          func(r *storage.AdvanceRequest) { r.Data = make([]byte, sdk.MaxCursorBytes+1) },
	} {
		wrong = append(wrong, refused("advance with "+what, fault.Invalid, f.advance(ctx, got["c of user at 0"], 1, set)))
	}
	full := func(r *storage.AdvanceRequest) { r.Data = make([]byte, sdk.MaxCursorBytes) }
	wrong = append(wrong, f.advance(ctx, got["c of user at 0"], 0, full, giveUp))
	return errors.Join(wrong...)
}
