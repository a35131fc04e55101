package pgstore

import (
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestDelete_forgets checks what is to be forgotten after each kind of deletion.
func TestDelete_forgets(t *testing.T) {
	ann, bob := sdk.Call{Tenant: "t", Conversation: "a", User: "ann"}, sdk.Call{Tenant: "t", Conversation: "a", User: "bob"}
	for _, try := range []struct {
		what  string
		scope storage.Scope
		want  []string
	}{
		{"conversation", storage.Scope{Call: sdk.Call{Tenant: "t", Conversation: "a"}}, []string{"-a", "b"}},
		{"user", storage.Scope{Call: sdk.Call{Tenant: "t", User: "ann"}}, []string{"-a of ann", "-b", "a"}},
		{"guest", storage.Scope{Call: sdk.Call{Tenant: "t", User: "bob"}}, []string{"-a of bob", "a", "b"}},
		{"retention", storage.Scope{Call: sdk.Call{Tenant: "t"}, Tenant: true, Before: time.Now().Add(time.Hour)}, []string{"-a", "-b"}},
		{"tenant", storage.Scope{Call: sdk.Call{Tenant: "t"}, Tenant: true}, []string{"-"}},
	} {
		t.Run(try.what, func(t *testing.T) {
			s := open(t, config(cluster(t).DSN(database(t))))
			turn(t, s, ann)
			turn(t, s, bob)
			ofB := ann
			ofB.Conversation = "b"
			turn(t, s, ofB)
			before := claim(t, s, "t")
			wantIDs(t, "before", before, "a", "b")
			inA := before.Claimed[slices.IndexFunc(before.Claimed, func(c storage.Claimed) bool { return c.Conversation == "a" })]
			turn(t, s, sdk.Call{Tenant: "t", Conversation: "unclaimed", User: "carl"})
			// A conversation that nobody has claimed leaves nothing to forget.
			if _, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", Conversation: "unclaimed"}}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // repeated deletions change nothing
				if _, err := s.Delete(t.Context(), try.scope); err != nil {
					t.Fatal(err)
				}
			}
			if res := claim(t, s, "t", by("other")); len(res.Claimed) > 0 || !res.Held {
				t.Errorf("while they are held: %+v", res)
			}
			res := claim(t, s, "t")
			wantIDs(t, "after", res, try.want...)
			if !slices.IsSortedFunc(res.Claimed, func(x, y storage.Claimed) int {
				if x.Forget == y.Forget {
					return 0
				} else if x.Forget {
					return -1
				}
				return 1
			}) {
				t.Errorf("those to be forgotten are not first: %+v", res.Claimed)
			}
			if slices.Contains(try.want, "-a") {
				if err := advance(t, s, inA, 2); !fault.Is(err, fault.NotFound) {
					t.Errorf("the cursor of a deleted conversation: %v", err)
				}
				wantIDs(t, "of the deleted conversation", claim(t, s, "t", of("a")), "-a")
				// Another one with its id is another conversation.
				turn(t, s, ann)
				wantIDs(t, "of both incarnations", claim(t, s, "t", of("a")), "-a", "a")
			}
			for _, c := range res.Claimed {
				if err := advance(t, s, c, 9, func(r *storage.AdvanceRequest) { r.Holder = "other" }); !fault.Is(err, fault.Conflict) {
					t.Errorf("by another: %v", err)
				}
				for range 2 {
					advanced(t, s, c, 9)
				}
			}
			left := claim(t, s, "t", kind(storage.ClaimForget))
			if wantIDs(t, "when all is forgotten", left); left.Held {
				t.Errorf("%+v", left)
			}
		})
	}
}

// TestDelete_forgetsAgain checks that what a user wrote is forgotten once more if more was emptied
// while somebody forgot.
func TestDelete_forgetsAgain(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	ann, bob := sdk.Call{Tenant: "t", Conversation: "a", User: "ann"}, sdk.Call{Tenant: "t", Conversation: "a", User: "bob"}
	remove := func() {
		if _, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", User: "bob"}}); err != nil {
			t.Fatal(err)
		}
	}
	turn(t, s, ann)
	turn(t, s, bob)
	advanced(t, s, claim(t, s, "t").Claimed[0], 2)
	remove()
	first := claim(t, s, "t")
	wantIDs(t, "first", first, "-a of bob")
	turn(t, s, bob)
	remove()
	if err := advance(t, s, first.Claimed[0], 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("what was forgotten meanwhile: %v", err)
	}
	wantIDs(t, "again", claim(t, s, "t", kind(storage.ClaimForget)), "-a of bob")
}

// TestClaim_endedIncarnation checks that what is to be forgotten of an ended incarnation of a tenant is found, and
// that nothing else is made there.
func TestClaim_endedIncarnation(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	at := sdk.Call{Tenant: "t", Incarnation: "one", Conversation: "a"}
	in := func(r *storage.ClaimRequest) { r.Call.Incarnation = "one" }
	turn(t, s, at)
	wantIDs(t, "before", claim(t, s, "t", in), "a")
	if _, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", Incarnation: "one"}, Tenant: true}); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, "in another incarnation", claim(t, s, "t"))
	for _, k := range []storage.ClaimKind{storage.ClaimForget, storage.ClaimAll} {
		wantIDs(t, "after", claim(t, s, "t", in, kind(k)), "-")
	}
	_, err := s.Claim(t.Context(), &storage.ClaimRequest{Call: sdk.Call{Tenant: "t", Incarnation: "one"}, StoreKey: "store", Holder: "h",
		Lease: time.Minute, Limit: 1, Kind: storage.ClaimWork})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("work there: %v", err)
	}
	if got := column[int64](t, connect(t, s.cfg.DSN), `select count(*) from botyard.cursors where life = 'one'`); got[0] != 0 {
		t.Errorf("%d cursors are left", got[0])
	}
}
