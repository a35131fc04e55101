package storagekit_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// modelTurn is a live turn as a simple list knows it.
type modelTurn struct {
	sequence, number int64
	emptied          bool
}

// live is a conversation in a Store, and the list of its live turns.
type live struct {
	*testing.T
	s                *storagekit.Store
	call             sdk.Call
	sequence, number int64
	turns            []modelTurn
}

// turn does a turn of the user that ends in the state, and takes back the turns from a number on. It
// reports whether the turn began.
func (l *live) turn(user string, state storage.State, from int64) bool {
	l.Helper()
	call := l.call
	call.User = user
	r, err := l.s.Begin(l.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Minute, RetractFrom: from,
		Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
	if fault.Is(err, fault.Conflict) {
		return false
	}
	if err != nil {
		l.Fatal(err)
	}
	if _, err := l.s.Commit(l.Context(), &storage.CommitRequest{Call: call, Fence: r.Started.Fence, State: state, Reason: "r",
		Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))}); err != nil {
		l.Fatal(err)
	}
	l.sequence++
	if from > 0 {
		l.turns = slices.DeleteFunc(l.turns, func(t modelTurn) bool { return t.number >= from })
	}
	if state == storage.Succeeded {
		l.number++
		l.turns = append(l.turns, modelTurn{sequence: l.sequence, number: l.number})
	}
	return true
}

// same compares what the Store reads of live turns with the list, from each sequence and in small pages.
func (l *live) same() {
	l.Helper()
	for after := range l.sequence + 1 {
		page, err := l.s.Read(l.Context(), &storage.ReadRequest{Call: l.call, After: after, Limit: 3})
		if err != nil {
			l.Fatal(err)
		}
		var got, want []modelTurn
		for _, t := range page.Turns {
			got = append(got, modelTurn{t.Sequence, t.Number, len(t.Messages) == 0})
		}
		for _, t := range l.turns {
			if t.sequence > after {
				want = append(want, t)
			}
		}
		if more := len(want) > 3; page.More != more || !slices.Equal(got, want[:min(len(want), 3)]) {
			l.Fatalf("after %d: %v, more %t; want %v", after, got, page.More, want)
		}
	}
	list, err := l.s.List(l.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: l.call.Tenant}, Limit: 1})
	if err != nil || len(list.Conversations) != 1 || list.Conversations[0].Turns != int64(len(l.turns)) {
		l.Fatalf("%+v, %v; want %d turns", list, err, len(l.turns))
	}
}

// sameTail compares the tail of a turn that fails with the list.
func (l *live) sameTail() {
	l.Helper()
	r, err := l.s.Begin(l.Context(), &storage.BeginRequest{Call: l.call, Holder: "h", Lease: time.Minute, Tail: 8, // of four turns
		Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
	if err != nil {
		l.Fatal(err)
	}
	l.sequence++
	if _, err := l.s.Commit(l.Context(), &storage.CommitRequest{Call: l.call, Fence: r.Started.Fence, State: storage.Failed, Reason: "r"}); err != nil {
		l.Fatal(err)
	}
	var got, want []modelTurn
	for _, t := range r.Started.Tail {
		got = append(got, modelTurn{sequence: t.Sequence, number: t.Number})
	}
	for _, t := range slices.Backward(l.turns) {
		if !t.emptied && len(want) < 4 {
			want = append(want, t)
		}
	}
	slices.Reverse(want)
	if !slices.Equal(got, want) {
		l.Fatalf("the tail has %v; want %v", got, want)
	}
}

// sameBranch compares a branch through one of the live turns with the list.
func (l *live) sameBranch(through int) {
	l.Helper()
	to := sdk.Call{Tenant: l.call.Tenant, Conversation: "z"}
	r, err := l.s.Branch(l.Context(), &storage.BranchRequest{Call: to, Source: l.call.Conversation, Through: l.turns[through].number})
	if err != nil || r.Turns != int64(through+1) {
		l.Fatalf("branch through %v: %+v, %v", l.turns[through], r, err)
	}
	page, err := l.s.Read(l.Context(), &storage.ReadRequest{Call: to, Limit: 100})
	if err != nil || len(page.Turns) != through+1 {
		l.Fatalf("the branch has %d turns, %v; want %d", len(page.Turns), err, through+1)
	}
	if _, err := l.s.Delete(l.Context(), storage.Scope{Call: to}); err != nil {
		l.Fatal(err)
	}
}

// TestRun_likeAList compares the live turns of conversations after random steps with those of a simple list.
func TestRun_likeAList(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := &live{T: t, s: storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{}), call: sdk.Call{Tenant: "t", Conversation: "c"}}
		l.turn("own", storage.Succeeded, 0)
		for range 40 {
			switch n := random.IntN(20); {
			case n < 12:
				l.turn("own", storage.Succeeded, 0)
			case n < 15:
				l.turn("own", storage.Failed, 0)
			case n < 18: // of any number, also of one that is not live
				from := 1 + random.Int64N(l.number+1)
				is := slices.ContainsFunc(l.turns, func(t modelTurn) bool { return t.number == from })
				if began := l.turn("own", storage.Succeeded, from); began != is {
					t.Fatalf("seed %d: the turn that takes back from %d began: %t; the turns are %v", seed, from, began, l.turns)
				}
			case n < 19:
				l.turn("guest", storage.Succeeded, 0)
				if _, err := l.s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", User: "guest"}}); err != nil {
					t.Fatal(err)
				}
				l.turns[len(l.turns)-1].emptied = true
			default:
				l.sameBranch(random.IntN(len(l.turns)))
				l.sameTail()
			}
			l.same()
		}
		l.sameTail()
	}
}

// scans counts the scans of a DB.
type scans struct {
	storagekit.DB
	n int
}

type scansTx struct {
	storagekit.Tx
	of *scans
}

func (s *scans) Update(ctx context.Context, partition string, f func(storagekit.Tx) error) error {
	return s.DB.Update(ctx, partition, func(tx storagekit.Tx) error { return f(scansTx{tx, s}) })
}

func (s scansTx) Scan(from, to []byte, reverse bool, f func(key, value []byte) (bool, error)) error {
	s.of.n++
	return s.Tx.Scan(from, to, reverse, f)
}

// TestRun_scansNothing checks that the usual turn of a tenant without store keys only gets and puts. It
// scans again for a turn that failed, and once the tenant has a store key.
func TestRun_scansNothing(t *testing.T) {
	db := &scans{DB: memdb.New(memdb.Options{})}
	s := storagekit.New(db, storagekit.Options{})
	call := sdk.Call{Tenant: "t", Conversation: "c"}
	var sequence int64 // of the newest turn
	turn := func(state storage.State) (n int) {
		t.Helper()
		db.n = 0
		r, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Minute, Tail: 4,
			Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: r.Started.Fence, State: state, Reason: "r",
			Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))}); err != nil {
			t.Fatal(err)
		}
		sequence = r.Started.Sequence
		return db.n
	}
	if n := turn(storage.Succeeded); n != 0 {
		t.Errorf("the first turn scans %d times; want 0", n)
	}
	for range 8 {
		turn(storage.Succeeded)
	}
	if n := turn(storage.Succeeded); n != 0 {
		t.Errorf("a turn scans %d times; want 0", n)
	}
	turn(storage.Failed)
	turn(storage.Succeeded)
	if n := turn(storage.Succeeded); n != 1 {
		t.Errorf("a turn whose tail has two runs scans %d times; want 1", n)
	}
	claim := func() int {
		t.Helper()
		r, err := s.Claim(t.Context(), &storage.ClaimRequest{Call: sdk.Call{Tenant: "t"}, StoreKey: "k", Holder: "h", Lease: time.Minute, Limit: 9, Kind: storage.ClaimAll})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Claimed {
			err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: sdk.Call{Tenant: "t", Conversation: c.Conversation}, StoreKey: "k", Holder: "h",
				Incarnation: c.Incarnation, Sequence: sequence, Forgotten: c.Forget})
			if err != nil {
				t.Fatal(err)
			}
		}
		return len(r.Claimed)
	}
	if n := claim(); n != 1 {
		t.Errorf("the first claim finds %d conversations; want 1", n)
	}
	if n := claim(); n != 0 {
		t.Errorf("the second claim finds %d conversations; want 0", n)
	}
	if turn(storage.Succeeded) == 0 {
		t.Error("the turn of a tenant with a store key does not look for it")
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t"}, Tenant: true}); err != nil {
		t.Fatal(err)
	}
	if n := turn(storage.Succeeded); n != 0 {
		t.Errorf("a turn after the deletion of the tenant scans %d times; want 0", n)
	}
	claim() // what the deletion left to be forgotten
	claim()
	if turn(storage.Succeeded) == 0 || claim() != 1 {
		t.Error("the turn of a tenant that was deleted does not look for the store key that was claimed again")
	}
}
