package sqlitestore

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// claimRequest returns the request for all cursors of the tenant.
func claimRequest(holder string) *storage.ClaimRequest {
	c := call
	c.Conversation, c.User = "", ""
	return &storage.ClaimRequest{Call: c, StoreKey: "store", Holder: holder, Lease: time.Minute, Limit: 100, Kind: storage.ClaimAll}
}

func claim(t testing.TB, s *Store, req *storage.ClaimRequest) *storage.ClaimResult {
	t.Helper()
	res, err := s.Claim(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func claimAll(t testing.TB, s *Store, holder string) []storage.Claimed {
	t.Helper()
	return claim(t, s, claimRequest(holder)).Claimed
}

// advance moves a claimed cursor, and gives the claim up.
func advance(t testing.TB, s *Store, k storage.Claimed, holder string, sequence int64) {
	t.Helper()
	c := call
	c.Conversation, c.User = k.Conversation, ""
	err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: c, StoreKey: "store", Holder: holder, Incarnation: k.Incarnation,
		Sequence: sequence, Forgotten: k.Forget, User: k.User})
	if err != nil {
		t.Fatal(err)
	}
}

// TestClaim_registersInSteps claims more conversations than a transaction registers. It checks that
// each is claimed once, also if conversations are deleted and others made meanwhile.
func TestClaim_registersInSteps(t *testing.T) {
	s := openStore(t, t.TempDir())
	const conversations = registerStep + 50
	load(t, s, call, conversations, 1)
	seen := map[string]bool{}
	for round := 0; ; round++ {
		res := claim(t, s, claimRequest(fmt.Sprint("h", round)))
		for _, k := range res.Claimed {
			if seen[k.Incarnation] || k.Sequence != 0 || k.Forget {
				t.Fatalf("claimed %+v, which was claimed before: %t", k, seen[k.Incarnation])
			}
			seen[k.Incarnation] = true
			advance(t, s, k, fmt.Sprint("h", round), 1)
		}
		if !res.More {
			break
		}
	}
	if len(seen) != conversations {
		t.Errorf("%d of %d conversations were claimed", len(seen), conversations)
	}
	// The newest row is deleted, and the next conversation gets its id.
	var name string
	raw := rawSession(t, s.path)
	if _, err := raw.get([]any{&name}, "SELECT name FROM conversations ORDER BY id DESC LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	c := call
	c.Conversation = name
	if _, err := s.Delete(t.Context(), storage.Scope{Call: c}); err != nil {
		t.Fatal(err)
	}
	end(t, s, begin(t, s))
	got := claimAll(t, s, "h")
	if len(got) != 2 || !got[0].Forget || got[0].Conversation != name || got[1].Forget || got[1].Conversation != call.Conversation {
		t.Errorf("after a deletion and a new conversation: %+v", got)
	}
}

// TestClaim_manyCaughtUp checks that a Claim returns only what is behind and free, beside many cursors
// that are caught up.
func TestClaim_manyCaughtUp(t *testing.T) {
	s := openStore(t, t.TempDir())
	load(t, s, call, 500, 1)
	for {
		res := claim(t, s, claimRequest("h"))
		for _, k := range res.Claimed {
			advance(t, s, k, "h", 1)
		}
		if !res.More {
			break
		}
	}
	end(t, s, begin(t, s))
	res := claim(t, s, claimRequest("other"))
	if len(res.Claimed) != 1 || res.More || res.Held {
		t.Errorf("claimed %+v", res)
	}
	if res := claim(t, s, claimRequest("third")); len(res.Claimed) != 0 || !res.Held {
		t.Errorf("claimed what another holds: %+v", res)
	}
}

// TestClaim_leaseEnds checks that the clock of the storage ends a claim.
func TestClaim_leaseEnds(t *testing.T) {
	s, c := clocked(t)
	end(t, s, begin(t, s))
	first := claimAll(t, s, "a")
	c.pass(time.Minute - 1)
	if res := claim(t, s, claimRequest("b")); len(res.Claimed) != 0 || !res.Held {
		t.Errorf("claimed %+v before the lease has ended", res)
	}
	c.pass(1)
	if res := claim(t, s, claimRequest("b")); len(res.Claimed) != 1 {
		t.Errorf("claimed %+v after the lease has ended", res)
	}
	at := call
	err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: at, StoreKey: "store", Holder: "a", Incarnation: first[0].Incarnation, Sequence: 1})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("advance of a lost claim: %v", err)
	}
}

// TestClaim_tenantHeld checks that the deletion of a tenant is not to be forgotten while a holder may
// still follow one of its conversations.
func TestClaim_tenantHeld(t *testing.T) {
	s, c := clocked(t)
	end(t, s, begin(t, s))
	claimAll(t, s, "a")
	tenant := claimRequest("b").Call
	if _, err := s.Delete(t.Context(), storage.Scope{Call: tenant, Tenant: true}); err != nil {
		t.Fatal(err)
	}
	if res := claim(t, s, claimRequest("b")); len(res.Claimed) != 0 || !res.Held {
		t.Errorf("claimed %+v; want it held", res)
	}
	c.pass(time.Minute)
	res := claim(t, s, claimRequest("b"))
	if len(res.Claimed) != 1 || !res.Claimed[0].Forget || res.Claimed[0].Conversation != "" {
		t.Fatalf("claimed %+v; want the tenant to be forgotten", res)
	}
	advance(t, s, res.Claimed[0], "b", 0)
	if res := claim(t, s, claimRequest("b")); len(res.Claimed) != 0 || res.Held {
		t.Errorf("claimed %+v after all was forgotten", res)
	}
}

// TestAdvance_emptiedAgain checks that a user's turns are forgotten once more if they were emptied
// while a holder was forgetting earlier ones.
func TestAdvance_emptiedAgain(t *testing.T) {
	s := openStore(t, t.TempDir())
	user := call
	user.Conversation, user.User = "", "guest"
	emptied := func() {
		t.Helper()
		turnsOf(t, s, call.Conversation, call.User, "guest")
		for _, k := range claimAll(t, s, "follower") {
			if !k.Forget {
				advance(t, s, k, "follower", 1)
			}
		}
		if d, err := s.Delete(t.Context(), storage.Scope{Call: user}); err != nil || d.Emptied == 0 {
			t.Fatalf("deleted %+v, %v", d, err)
		}
	}
	forgets := func(holder string) []storage.Claimed {
		req := claimRequest(holder)
		req.Kind = storage.ClaimForget
		return claim(t, s, req).Claimed
	}
	emptied()
	first := forgets("a")
	emptied()
	if len(first) != 1 || first[0].User != "guest" {
		t.Fatalf("claimed %+v", first)
	}
	err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: call, StoreKey: "store", Holder: "a", Incarnation: first[0].Incarnation, User: "guest", Forgotten: true})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("what was emptied later is not forgotten: %v", err)
	}
	if second := forgets("b"); len(second) != 1 {
		t.Errorf("claimed %+v", second)
	}
}

// TestClaim_nothingLeft checks that no rows of cursors are left when a tenant was deleted and
// forgotten.
func TestClaim_nothingLeft(t *testing.T) {
	for _, incarnation := range []string{"", "i"} {
		t.Run("incarnation "+incarnation, func(t *testing.T) {
			s := openStore(t, t.TempDir())
			with := func(r *storage.BeginRequest) { r.Call.Incarnation, r.CursorKey = incarnation, "store" }
			res := begin(t, s, with)
			c := call
			c.Incarnation = incarnation
			if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence, State: storage.Failed}); err != nil {
				t.Fatal(err)
			}
			req := claimRequest("h")
			req.Call.Incarnation = incarnation
			claim(t, s, req)
			req.Kind = storage.ClaimWork
			claim(t, s, req)
			if _, err := s.Delete(t.Context(), storage.Scope{Call: req.Call, Tenant: true}); err != nil {
				t.Fatal(err)
			}
			req.Kind = storage.ClaimForget
			for _, k := range claim(t, s, req).Claimed {
				err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: req.Call, StoreKey: req.StoreKey, Holder: "h", Forgotten: true, Incarnation: k.Incarnation})
				if err != nil {
					t.Fatal(err)
				}
			}
			var rows int
			if _, err := rawSession(t, s.path).get([]any{&rows}, "SELECT (SELECT count(*) FROM cursors) + (SELECT count(*) FROM followers) + (SELECT count(*) FROM forgets)"); err != nil || rows != 0 {
				t.Errorf("%d rows are left, %v", rows, err)
			}
		})
	}
}
