package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// checkCursorDropped claims with one more store key than a tenant may have, and then with the store key
// whose cursors were dropped for it.
func checkCursorDropped(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	const at0, all = "c of user at 0", "forget all"
	var keys []follower
	key := func(i int) follower { return c.follower().storeKey(fmt.Sprintf("key-%d", i)).via(i % 2) }
	// Key 1 stays held. Key 0 is claimed again after all others. So key 2 is the next whose cursors are dropped.
	for i := range sdk.MaxStoreKeys {
		f := key(i)
		got, err := f.claims(ctx, fmt.Sprintf("the first claim of store key %d", i+1), []string{at0})
		if err != nil {
			return err
		}
		if i != 1 {
			if err := f.advance(ctx, got[at0], 1, giveUp); err != nil {
				return err
			}
		}
		keys = append(keys, f)
	}
	if err := keys[0].idle(ctx, "another claim of the first store key", false); err != nil {
		return err
	}

	// begins claims a store key that has no cursors. The memory with this store key must forget the tenant
	// first.
	begins := func(what string, f follower, set ...func(*storage.ClaimRequest)) error {
		got, err := f.claims(ctx, "the first claim of "+what, []string{all}, set...)
		if err != nil {
			return err
		}
		other := f
		other.holder = env.holder()
		if err := errors.Join(
			other.idle(ctx, "another holder's claim of "+what+" before its memory has forgotten", true),
			other.idle(ctx, "another holder's claim of work of "+what+" before its memory has forgotten", true, claimKind(storage.ClaimWork)),
			f.forgotten(ctx, got[all]),
		); err != nil {
			return err
		}
		if got, err = f.claims(ctx, "the claim of "+what+" after its memory has forgotten", []string{at0}); err != nil {
			return err
		}
		return f.advance(ctx, got[at0], 1, giveUp)
	}
	next := key(sdk.MaxStoreKeys)
	if err := begins("one store key more than there may be", next); err != nil {
		return err
	}
	for i, want := range []int64{1, 0, 0, 1} {
		s, err := c.turn(ctx, "of another number", func(r *storage.BeginRequest) { r.CursorKey = keys[i].store })
		if err != nil {
			return err
		}
		if s.Cursor != want {
			return fmt.Errorf("after one store key more than there may be, the cursor of store key %d is at %d; want %d", i+1, s.Cursor, want)
		}
	}
	got, err := keys[1].claims(ctx, "the claim of the store key that is held", []string{at0})
	if err != nil {
		return err
	}
	if err := keys[1].advance(ctx, got[at0], 5, giveUp); err != nil {
		return err
	}
	// A claim of only what must be forgotten of one conversation also returns that all must be forgotten.
	if err := begins("the store key whose cursors were dropped", keys[2], onlyForget, claimOf(c)); err != nil {
		return err
	}

	// The cursors of key 3 were dropped for key 2. All others are held then, so that no new store key can begin.
	for i, f := range append(keys, next) {
		if i == 3 {
			continue
		}
		if _, err := f.claim(ctx); err != nil {
			return err
		}
		if _, err := f.claim(ctx, claimKind(storage.ClaimWork)); err != nil {
			return err
		}
	}
	_, err = keys[3].claim(ctx)
	return refused("claim of a new store key while all others are held", fault.Conflict, err)
}
