package pgstore

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func retracting(number int64) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.RetractFrom = number }
}

// numbersOf returns the numbers of the turns, negative for retracted turns.
func numbersOf(turns []storage.Turn) []int64 {
	numbers := []int64{}
	for _, t := range turns {
		if t.Retracted {
			t.Number = -t.Number
		}
		numbers = append(numbers, t.Number)
	}
	return numbers
}

func read(t *testing.T, s *Store, c sdk.Call, all bool) []storage.Turn {
	t.Helper()
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: c, Limit: 100, All: all})
	if err != nil {
		t.Fatal(err)
	}
	return page.Turns
}

func listed(t *testing.T, s *Store, tenant string) map[string]storage.Conversation {
	t.Helper()
	page, err := s.List(t.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: tenant}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]storage.Conversation{}
	for _, c := range page.Conversations {
		all[c.ID] = c
	}
	return all
}

// TestBegin_retracts checks what is retracted, what is seen of it, and that no number is used again.
func TestBegin_retracts(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c := call("t", "c")
	for n := range 4 {
		commit(t, s, c, begin(t, s, c, keyed(fmt.Sprint("k", n))))
	}
	res := begin(t, s, c, retracting(3))
	if got := numbersOf(res.Started.Tail); !reflect.DeepEqual(got, []int64{1, 2}) {
		t.Errorf("the tail has the numbers %v", got)
	}
	if n := commit(t, s, c, res); n != 5 {
		t.Errorf("the turn after has number %d", n)
	}
	if got := numbersOf(read(t, s, c, false)); !reflect.DeepEqual(got, []int64{1, 2, 5}) {
		t.Errorf("a page has the numbers %v", got)
	}
	all := read(t, s, c, true)
	if got := numbersOf(all); !reflect.DeepEqual(got, []int64{1, 2, -3, -4, 5}) || all[4].RetractFrom != 3 || all[3].RetractFrom != 0 {
		t.Errorf("a page of all has %+v", all)
	}
	if got := listed(t, s, "t")["c"]; got.Turns != 3 {
		t.Errorf("the list has %d turns; want 3", got.Turns)
	}
	if res := begin(t, s, c, keyed("k3")); res.Replay == nil || res.Replay.Number != 4 || !res.Replay.Retracted {
		t.Errorf("the key of a retracted turn replays %+v", res)
	}
	if n, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: fence(cidOf(t, s, c), 4), State: storage.Succeeded, Messages: said("again")}); err != nil || n != 4 {
		t.Errorf("the repeated commit of a retracted turn returns %d, %v", n, err)
	}
}

// cidOf returns the database id of a conversation in the cache.
func cidOf(t *testing.T, s *Store, c sdk.Call) int64 {
	t.Helper()
	ref, ok := s.refs.Get(keyOf(c))
	if !ok {
		t.Fatal("the conversation is not known")
	}
	return ref.cid
}

// TestBegin_unretractable checks that a Begin with a number that cannot be retracted changes nothing.
func TestBegin_unretractable(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c := call("t", "c")
	commit(t, s, c, begin(t, s, c))
	commit(t, s, c, begin(t, s, c))
	commit(t, s, c, begin(t, s, c, retracting(2)))
	for _, try := range []struct {
		what, id string
		number   int64
	}{{"never given", "c", 9}, {"retracted already", "c", 2}, {"no conversation", "d", 1}} {
		for _, key := range []string{"", "k"} {
			t.Run(try.what+key, func(t *testing.T) {
				_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", try.id), Messages: said("hi"), Holder: "h", Lease: maxLease, Key: key,
					RetractFrom: try.number, Attempt: "a"})
				if e := fault.Of(err); e.Class != fault.Conflict || e.Path.String() != "retract_from" {
					t.Errorf("%v", err)
				}
			})
		}
	}
	if got := listed(t, s, "t"); len(got) != 1 || got["c"].Turns != 2 {
		t.Errorf("there are %+v", got)
	}
	running := begin(t, s, c)
	if res := begin(t, s, c, retracting(1)); res.Busy == nil {
		t.Errorf("a busy conversation answers %+v", res)
	}
	commit(t, s, c, running)
	if got := numbersOf(read(t, s, c, true)); !reflect.DeepEqual(got, []int64{1, -2, 3, 4}) {
		t.Errorf("the turns are %v", got)
	}
}

// TestBegin_repeatedRetraction checks that a repeated attempt retracts once, and that what was
// retracted stays so if the turn fails.
func TestBegin_repeatedRetraction(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c := call("t", "c")
	for range 3 {
		commit(t, s, c, begin(t, s, c))
	}
	again := func(r *storage.BeginRequest) { r.Attempt, r.RetractFrom, r.CursorKey = "again", 2, "store" }
	first, second := begin(t, s, c, again), begin(t, s, c, again)
	if !reflect.DeepEqual(first, second) || !reflect.DeepEqual(first.Started.Retractions, []storage.Retraction{{Sequence: 4, From: 2, To: 3}}) {
		t.Errorf("%+v and then %+v", first.Started, second.Started)
	}
	if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: first.Started.Fence, State: storage.Failed}); err != nil {
		t.Fatal(err)
	}
	if got := numbersOf(begin(t, s, c).Started.Tail); !reflect.DeepEqual(got, []int64{1}) {
		t.Errorf("after the turn has failed, the tail has %v", got)
	}
}

// TestImport_retractions checks that an import returns retractions as they were exported, may be
// repeated, and retracts turns that were imported before.
func TestImport_retractions(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c, copied := call("t", "c"), call("t", "copied")
	for range 3 {
		commit(t, s, c, begin(t, s, c))
	}
	before := read(t, s, c, true)
	commit(t, s, c, begin(t, s, c, retracting(2)))
	after := read(t, s, c, true)
	for _, try := range []struct {
		what  string
		turns []storage.Turn
		added int64
	}{{"before", before[:2], 2}, {"after", after, 2}, {"again", after, 0}} {
		if n, err := s.Import(t.Context(), &storage.ImportRequest{Call: copied, Turns: try.turns}); err != nil || n != try.added {
			t.Fatalf("%s: %d, %v; want %d", try.what, n, err, try.added)
		}
	}
	if got := read(t, s, copied, true); !reflect.DeepEqual(got, after) {
		t.Errorf("the import has %+v; want %+v", got, after)
	}
	if got := listed(t, s, "t"); got["copied"].Turns != 2 || got["c"].Turns != 2 {
		t.Errorf("%+v", got)
	}
	res := begin(t, s, copied, func(r *storage.BeginRequest) { r.CursorKey = "store" })
	if !reflect.DeepEqual(res.Started.Retractions, []storage.Retraction{{Sequence: 4, From: 2, To: 3}}) {
		t.Errorf("%+v", res.Started.Retractions)
	}
	if n := commit(t, s, copied, res); n != 5 {
		t.Errorf("the next turn has number %d", n)
	}
}

// TestBegin_manyRetractions checks that at most sdk.MaxRetractions retractions are returned, that the
// newest are exact, and that the others are joined.
func TestBegin_manyRetractions(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	at := call("t", "c")
	commit(t, s, at, begin(t, s, at))
	const fill = `insert into botyard.retractions (tenant, cid, seq, from_number, to_number)
		select 't', cid, n, 2 * n, 2 * n + 1 from botyard.conversations, generate_series(1, 1500) as n`
	if _, err := c.Exec(t.Context(), name, fill); err != nil {
		t.Fatal(err)
	}
	for what, attempt := range map[string]string{"fast path": "a", "function": ""} {
		res := begin(t, s, at, func(r *storage.BeginRequest) { r.CursorKey, r.Attempt = "store", attempt })
		got := res.Started.Retractions
		if len(got) != sdk.MaxRetractions || got[0] != (storage.Retraction{Sequence: 501, From: 2, To: 1003}) ||
			got[1] != (storage.Retraction{Sequence: 502, From: 1004, To: 1005}) || got[999] != (storage.Retraction{Sequence: 1500, From: 3000, To: 3001}) {
			t.Errorf("%s: %d retractions, from %+v", what, len(got), got[0])
		}
		commit(t, s, at, res)
	}
}

// TestBegin_retractsAtMost checks the bound of the turns that one Begin retracts.
//
// beyond: turns taken back at once
func TestBegin_retractsAtMost(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	s := open(t, config(dsn))
	c := call("t", "c")
	turn(t, s, c)
	db := connect(t, dsn)
	for _, sql := range []string{
		`insert into botyard.turns (tenant, cid, seq, number, state, user_id, messages, started, ended)
			select 't', cid, n, n, 'succeeded', 'u', 1, now(), now() from botyard.conversations, generate_series(2, $1::int + 1) as n`,
		`update botyard.conversations set last_seq = $1::int + 1, last_number = $1::int + 1`,
	} {
		if _, err := db.Exec(t.Context(), sql, sdk.MaxRetractTurns); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: c, Messages: said("hi"), Holder: "h", Lease: maxLease, RetractFrom: 1})
	if e := fault.Of(err); e == nil || e.Class != fault.Invalid || e.Path.String() != "retract_from" {
		t.Errorf("one turn too many: %v", err)
	}
	if res := begin(t, s, c, retracting(2)); res.Started == nil || res.Started.Sequence != sdk.MaxRetractTurns+2 {
		t.Errorf("%+v", res)
	}
}
