package pgstore

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// claim claims all cursors of the store key "store" in the tenant for the holder "holder".
func claim(t testing.TB, s *Store, tenant string, set ...func(*storage.ClaimRequest)) *storage.ClaimResult {
	t.Helper()
	req := &storage.ClaimRequest{Call: sdk.Call{Tenant: tenant}, StoreKey: "store", Holder: "holder", Lease: time.Minute, Limit: 100, Kind: storage.ClaimAll}
	for _, f := range set {
		f(req)
	}
	res, err := s.Claim(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func by(holder string) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Holder = holder }
}

func of(conversation string) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Call.Conversation = conversation }
}

func kind(k storage.ClaimKind) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Kind = k }
}

// advance moves a claimed cursor of the tenant t to the sequence, and gives the claim up.
func advance(t testing.TB, s *Store, c storage.Claimed, sequence int64, set ...func(*storage.AdvanceRequest)) error {
	t.Helper()
	req := &storage.AdvanceRequest{Call: sdk.Call{Tenant: "t", Conversation: c.Conversation}, StoreKey: "store", Holder: "holder",
		Incarnation: c.Incarnation, Sequence: sequence, Forgotten: c.Forget}
	if c.Forget {
		req.User = c.User
	}
	for _, f := range set {
		f(req)
	}
	return s.Advance(t.Context(), req)
}

func advanced(t testing.TB, s *Store, c storage.Claimed, sequence int64, set ...func(*storage.AdvanceRequest)) {
	t.Helper()
	if err := advance(t, s, c, sequence, set...); err != nil {
		t.Fatal(err)
	}
}

func turn(t testing.TB, s *Store, c sdk.Call, set ...func(*storage.BeginRequest)) {
	t.Helper()
	commit(t, s, c, begin(t, s, c, set...))
}

// idsOf returns the conversations of what was claimed, sorted. What is to be forgotten has a minus.
func idsOf(res *storage.ClaimResult) []string {
	ids := []string{}
	for _, c := range res.Claimed {
		id := c.Conversation
		if c.Forget {
			id = "-" + id
		}
		if c.Forget && c.User != "" {
			id += " of " + c.User
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func wantIDs(t *testing.T, what string, res *storage.ClaimResult, want ...string) {
	t.Helper()
	if got := idsOf(res); !slices.Equal(got, want) {
		t.Errorf("%s: claimed are %q; want %q", what, got, want)
	}
}

// TestClaim_behind checks which conversations are behind, from the first claim until they have caught
// up and have another turn.
func TestClaim_behind(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	a, b := call("t", "a"), call("t", "b")
	turn(t, s, a)
	running := begin(t, s, b)
	res := claim(t, s, "t")
	wantIDs(t, "while the first turn of b runs", res, "a")
	if c := res.Claimed[0]; c.Sequence != 0 || c.Data != nil || c.User != "u" || c.Incarnation != listed(t, s, "t")["a"].Incarnation || res.More || res.Held {
		t.Errorf("%+v", res)
	}
	commit(t, s, b, running)
	other := claim(t, s, "t", by("other"))
	if wantIDs(t, "by another", other, "b"); !other.Held || other.More {
		t.Errorf("%+v", other)
	}
	wantIDs(t, "again", claim(t, s, "t"), "a")
	advanced(t, s, res.Claimed[0], 1, func(r *storage.AdvanceRequest) { r.Data = []byte("at 1") })
	wantIDs(t, "when a has caught up", claim(t, s, "t"))
	res2 := begin(t, s, a, func(r *storage.BeginRequest) { r.CursorKey = "store" })
	if res2.Started.Cursor != 1 || res2.Started.Retractions != nil {
		t.Errorf("%+v", res2.Started)
	}
	wantIDs(t, "while its second turn runs", claim(t, s, "t"))
	if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: a, Fence: res2.Started.Fence, State: storage.Failed}); err != nil {
		t.Fatal(err)
	}
	res = claim(t, s, "t")
	if wantIDs(t, "when it has failed", res, "a"); res.Claimed[0].Sequence != 1 || string(res.Claimed[0].Data) != "at 1" {
		t.Errorf("%+v", res.Claimed[0])
	}
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call("t", "imported"), Turns: read(t, s, a, true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Branch(t.Context(), &storage.BranchRequest{Call: call("t", "branch"), Source: "a"}); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, "imported and branched", claim(t, s, "t"), "a", "branch", "imported")
	wantIDs(t, "another store key", claim(t, s, "t", func(r *storage.ClaimRequest) { r.StoreKey = "other" }), "a", "b", "branch", "imported")
	wantIDs(t, "of one conversation", claim(t, s, "t", of("branch")), "branch")
	wantIDs(t, "of none", claim(t, s, "t", of("nothing")))
}

// TestClaim_interrupted checks that a cursor is behind when a Begin has interrupted a turn whose lease had ended.
func TestClaim_interrupted(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	a := call("t", "a")
	turn(t, s, a)
	advanced(t, s, claim(t, s, "t").Claimed[0], 1)
	begin(t, s, a, func(r *storage.BeginRequest) { r.Lease = time.Millisecond })
	time.Sleep(10 * time.Millisecond)
	begin(t, s, a)
	wantIDs(t, "interrupted", claim(t, s, "t"), "a")
}

// TestClaim_limit checks that claims with a limit take all conversations, that More says whether there
// are others, and that no conversation waits while the same ones are claimed again and again.
func TestClaim_limit(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	for n := range 5 {
		turn(t, s, call("t", fmt.Sprint("c", n)))
	}
	two := func(r *storage.ClaimRequest) { r.Limit = 2 }
	seen := map[string]bool{}
	for _, want := range []struct {
		n    int
		more bool
	}{{2, true}, {2, true}, {1, false}} {
		holder := fmt.Sprint("h", len(seen))
		res := claim(t, s, "t", two, by(holder))
		if len(res.Claimed) != want.n || res.More != want.more {
			t.Errorf("%+v; want %+v", res, want)
		}
		for _, c := range res.Claimed {
			seen[c.Conversation] = true
			advanced(t, s, c, 0, func(r *storage.AdvanceRequest) { r.Holder, r.Lease = holder, time.Minute })
		}
	}
	if len(seen) != 5 {
		t.Errorf("claimed were %v", seen)
	}
	clear(seen)
	for range 3 { // who claims gives up without progress
		res := claim(t, s, "t", two, by("h9"), func(r *storage.ClaimRequest) { r.StoreKey = "other" })
		for _, c := range res.Claimed {
			seen[c.Conversation] = true
			advanced(t, s, c, 0, func(r *storage.AdvanceRequest) { r.Holder, r.StoreKey = "h9", "other" })
		}
	}
	if len(seen) != 5 {
		t.Errorf("three claims of two took only %v", seen)
	}
}

// TestClaim_work checks the tenant's own cursor.
func TestClaim_work(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	res := claim(t, s, "t", kind(storage.ClaimWork))
	if want := []storage.Claimed{{}}; !reflect.DeepEqual(res.Claimed, want) || res.Held || res.More {
		t.Fatalf("%+v", res)
	}
	if res := claim(t, s, "t", kind(storage.ClaimWork), by("other")); len(res.Claimed) > 0 || !res.Held {
		t.Errorf("by another: %+v", res)
	}
	advanced(t, s, res.Claimed[0], 0, func(r *storage.AdvanceRequest) { r.Data = []byte("here") })
	if res := claim(t, s, "t", kind(storage.ClaimWork), by("other")); len(res.Claimed) != 1 || string(res.Claimed[0].Data) != "here" {
		t.Errorf("by another, after it was given up: %+v", res)
	}
	if err := advance(t, s, res.Claimed[0], 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("who has lost it: %v", err)
	}
	if res := claim(t, s, "t"); len(res.Claimed) > 0 {
		t.Errorf("among the conversations: %+v", res)
	}
}

// TestAdvance checks who may advance, and that a cursor does not move back.
func TestAdvance(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	a := call("t", "a")
	for range 3 {
		turn(t, s, a)
	}
	short := claim(t, s, "t", func(r *storage.ClaimRequest) { r.Lease = time.Millisecond }).Claimed[0]
	time.Sleep(10 * time.Millisecond)
	if err := advance(t, s, short, 2, func(r *storage.AdvanceRequest) { r.Lease = time.Minute }); err != nil {
		t.Errorf("a claim whose lease has ended, and that nobody has taken: %v", err)
	}
	if res := claim(t, s, "t", by("other")); len(res.Claimed) > 0 || !res.Held {
		t.Errorf("the lease was extended: %+v", res)
	}
	advanced(t, s, short, 1)
	advanced(t, s, short, 1) // again
	res := claim(t, s, "t", by("other"))
	if wantIDs(t, "given up", res, "a"); res.Claimed[0].Sequence != 2 {
		t.Errorf("it moved back to %d", res.Claimed[0].Sequence)
	}
	if err := advance(t, s, short, 3); !fault.Is(err, fault.Conflict) {
		t.Errorf("who has lost it: %v", err)
	}
	for _, incarnation := range []string{"", "x", "1-1", "99999-1"} {
		c := short
		if c.Incarnation = incarnation; !fault.Is(advance(t, s, c, 3), fault.NotFound) {
			t.Errorf("the incarnation %q: %v", incarnation, advance(t, s, c, 3))
		}
	}
}
