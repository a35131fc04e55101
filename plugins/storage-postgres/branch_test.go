package pgstore

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestBranch_copies checks which turns a branch has, and what is equal in them.
func TestBranch_copies(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c, bob := call("t", "c"), sdk.Call{Tenant: "t", Conversation: "c", User: "bob"}
	for n := range 4 {
		commit(t, s, c, begin(t, s, c, keyed(fmt.Sprint("k", n)), func(r *storage.BeginRequest) { r.Metadata = []byte(`{"n": 1}`) }))
	}
	commit(t, s, bob, begin(t, s, bob, retracting(3))) // number 5
	commit(t, s, c, begin(t, s, c))
	source := read(t, s, c, false)
	branch := sdk.Call{Tenant: "t", Conversation: "branch", User: "bob"}
	res, err := s.Branch(t.Context(), &storage.BranchRequest{Call: branch, Source: "c", Through: 5})
	if err != nil || res.Turns != 3 || res.Through != 5 {
		t.Fatalf("%+v, %v", res, err)
	}
	want := source[:3]
	for i := range want {
		want[i].Sequence, want[i].Number, want[i].RetractFrom = int64(i+1), int64(i+1), 0
	}
	if got := read(t, s, branch, true); !reflect.DeepEqual(got, want) {
		t.Errorf("the branch has %+v; want %+v", got, want)
	}
	if got := listed(t, s, "t")["branch"]; got.User != "bob" || got.Turns != 3 || got.BranchOf != "c" || got.BranchAt != 5 || got.Incarnation != res.Incarnation {
		t.Errorf("it is listed as %+v", got)
	}
	next := begin(t, s, branch, keyed("k0"))
	if next.Started == nil || next.Started.Incarnation != res.Incarnation || next.Started.Sequence != 4 || len(next.Started.Tail) != 3 {
		t.Fatalf("the next turn: %+v", next)
	}
	if n := commit(t, s, branch, next); n != 4 {
		t.Errorf("its number is %d", n)
	}
	if got := read(t, s, c, false); len(got) != 4 {
		t.Errorf("the source has %+v", got)
	}
	// In the branch, the turns of the source's owner are those of a guest.
	if d, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", User: "u"}}); err != nil || d.Emptied != 7 || d.Conversations != 0 {
		t.Errorf("the deletion of the source's owner: %+v, %v", d, err)
	}
}

// TestBranch_refused checks the faults, and that a repeated Branch returns the first result.
func TestBranch_refused(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c := call("t", "c")
	for range 3 {
		commit(t, s, c, begin(t, s, c))
	}
	commit(t, s, c, begin(t, s, c, retracting(3)))
	branch := func(id, source string, through int64, set ...func(*storage.BranchRequest)) (*storage.BranchResult, error) {
		req := &storage.BranchRequest{Call: call("t", id), Source: source, Through: through}
		for _, f := range set {
			f(req)
		}
		return s.Branch(t.Context(), req)
	}
	ofBob := func(r *storage.BranchRequest) { r.Call.User, r.Owned = "bob", true }
	first, err := branch("b", "c", 2)
	if err != nil || first.Turns != 2 {
		t.Fatalf("%+v, %v", first, err)
	}
	commit(t, s, call("t", "b"), begin(t, s, call("t", "b")))
	for _, through := range []int64{2, 0} {
		if again, err := branch("b", "c", through); err != nil || *again != *first {
			t.Errorf("again through %d: %+v, %v; want %+v", through, again, err, first)
		}
	}
	for _, try := range []struct {
		what, id, source string
		through          int64
		set              func(*storage.BranchRequest)
		class            fault.Class
		path             string
	}{
		{"another number", "b", "c", 1, nil, fault.Conflict, "conversation"},
		{"a conversation that is no branch", "c", "b", 0, nil, fault.Conflict, "conversation"},
		{"a retracted number", "d", "c", 3, nil, fault.Conflict, "through"},
		{"a number that was never given", "d", "c", 9, nil, fault.Conflict, "through"},
		{"no source", "d", "nothing", 0, nil, fault.NotFound, ""},
		{"another user's source", "d", "c", 0, ofBob, fault.NotFound, ""},
		{"another user's branch", "b", "c", 2, ofBob, fault.Conflict, "conversation"},
	} {
		t.Run(try.what, func(t *testing.T) {
			if try.set == nil {
				try.set = func(*storage.BranchRequest) {}
			}
			res, err := branch(try.id, try.source, try.through, try.set)
			if e := fault.Of(err); err == nil || e.Class != try.class || e.Path.String() != try.path {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
	if got := listed(t, s, "t"); len(got) != 2 {
		t.Errorf("there are %+v", got)
	}
}

// TestBranch_most checks the bound on the turns of a branch.
func TestBranch_most(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	at := call("t", "c")
	commit(t, s, at, begin(t, s, at))
	fill := fmt.Sprintf(`insert into botyard.turns (tenant, cid, seq, number, state, user_id, messages, started, ended)
		select 't', cid, n, n, 'succeeded', '', 0, now(), now() from botyard.conversations, generate_series(2, %d) as n;
		update botyard.conversations set last_seq = %[1]d, last_number = %[1]d`, sdk.MaxBranchTurns+1)
	if _, err := c.Exec(t.Context(), name, fill); err != nil {
		t.Fatal(err)
	}
	_, err := s.Branch(t.Context(), &storage.BranchRequest{Call: call("t", "b"), Source: "c"})
	if e := fault.Of(err); e.Class != fault.Invalid || e.Path.String() != "through" {
		t.Errorf("%v", err)
	}
	res, err := s.Branch(t.Context(), &storage.BranchRequest{Call: call("t", "b"), Source: "c", Through: sdk.MaxBranchTurns})
	if err != nil || res.Turns != sdk.MaxBranchTurns {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestBranch_together checks that several hosts make one branch at once, while turns of the source begin
// and end.
func TestBranch_together(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	stores := []*Store{open(t, config(dsn)), open(t, config(dsn))}
	c := call("t", "c")
	commit(t, stores[0], c, begin(t, stores[0], c))
	var wg sync.WaitGroup
	results := make([]*storage.BranchResult, 8)
	for i := range results {
		wg.Go(func() {
			s := stores[i%2]
			var err error
			if results[i], err = s.Branch(t.Context(), &storage.BranchRequest{Call: call("t", "b"), Source: "c", Through: 1}); err != nil {
				t.Error(err)
			}
			own := call("t", fmt.Sprint("own ", i))
			if _, err = s.Branch(t.Context(), &storage.BranchRequest{Call: own, Source: "c"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			commit(t, stores[0], c, begin(t, stores[0], c))
		}
	})
	wg.Wait()
	for _, r := range results {
		if r == nil || *r != *results[0] {
			t.Errorf("%+v and %+v", r, results[0])
		}
	}
	for i := range results {
		got := numbersOf(read(t, stores[0], call("t", fmt.Sprint("own ", i)), true))
		for n, number := range got {
			if number != int64(n+1) {
				t.Errorf("a branch has %v", got)
			}
		}
	}
}
