package sqlitestore

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// TestClaim_dropsStoreKeys claims with more store keys than a tenant may have. It checks that the cursors
// of the least recently claimed one are deleted in steps, and that nothing of it is left.
//
// beyond: store keys of a tenant
func TestClaim_dropsStoreKeys(t *testing.T) {
	s := openStore(t, t.TempDir())
	const conversations = dropStep + 50
	load(t, s, call, conversations, 1)
	of := func(i int, holder string) *storage.ClaimRequest {
		req := claimRequest(holder)
		req.StoreKey = fmt.Sprint("key ", i)
		return req
	}
	count := func(what string) (n int64) {
		t.Helper()
		err := s.read(t.Context(), func(tx *session) error {
			_, err := tx.get([]any{&n}, "SELECT count(*) FROM "+what)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	give := func(req *storage.ClaimRequest, k storage.Claimed, sequence int64) {
		t.Helper()
		c := req.Call
		c.Conversation = k.Conversation
		if err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: c, StoreKey: req.StoreKey, Holder: req.Holder,
			Incarnation: k.Incarnation, Sequence: sequence, Forgotten: k.Forget}); err != nil {
			t.Fatal(err)
		}
	}
	// All conversations have a cursor of key 0, of which a deleted one is to be forgotten.
	for claimed := 0; claimed < conversations; {
		req := of(0, "h")
		for _, k := range claim(t, s, req).Claimed {
			give(req, k, 1)
			claimed++
		}
	}
	some := call
	some.Conversation = "c1"
	if _, err := s.Delete(t.Context(), storage.Scope{Call: some}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < sdk.MaxStoreKeys; i++ {
		req := of(i, "h")
		req.Limit = 1
		give(req, claim(t, s, req).Claimed[0], 1)
	}
	if n := count("forgets WHERE store_key = 'key 0'"); n != 1 {
		t.Fatalf("%d cursors are to be forgotten", n)
	}

	next, steps := of(sdk.MaxStoreKeys, "h"), 0
	for again := true; again; steps++ {
		before := count("cursors")
		err := s.write(t.Context(), func(tx *session) error {
			c := &claimRun{ClaimRequest: next, now: s.now().UnixNano(), until: after(s.now(), time.Minute), result: &storage.ClaimResult{}}
			err := c.run(tx)
			again = c.again
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if gone := before - count("cursors"); gone > dropStep {
			t.Errorf("a step deletes %d cursors", gone)
		}
	}
	if steps < 5 { // it begins, two for cursors, one for what is to be forgotten, one for the key, and the claim
		t.Errorf("the cursors were dropped in %d steps", steps)
	}
	if n, keys := count("cursors k JOIN followers f ON f.id = k.follower WHERE f.store_key = 'key 0'"), count("followers"); n != 0 || keys != sdk.MaxStoreKeys {
		t.Errorf("%d cursors are left, and %d store keys", n, keys)
	}
	if n := count("forgets WHERE store_key = 'key 0'"); n != 0 {
		t.Errorf("%d are to be forgotten of a store key without cursors", n)
	}
	// Many more store keys leave no more rows.
	for i := range 3 * sdk.MaxStoreKeys {
		req := of(100+i, "h")
		for _, k := range claim(t, s, req).Claimed {
			give(req, k, 1)
		}
	}
	if keys, forgets := count("followers"), count("forgets"); keys != sdk.MaxStoreKeys || forgets > sdk.MaxStoreKeys+1 {
		t.Errorf("%d store keys and %d rows of what is to be forgotten are left", keys, forgets)
	}
}
