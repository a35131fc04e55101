package memstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func clocked(cfg Config) (*Store, *clock) {
	c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	return newStore(cfg, c.now, newBudget(defaultTotal)), c
}

var call = sdk.Call{Tenant: "t", Conversation: "c", User: "u"}

func begin(t *testing.T, s *Store, set ...func(*storage.BeginRequest)) *storage.BeginResult {
	t.Helper()
	req := &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")), Holder: "h", Lease: 10 * time.Second, Tail: 10}
	for _, f := range set {
		f(req)
	}
	res, err := s.Begin(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func commit(t *testing.T, s *Store, res *storage.BeginResult) int64 {
	t.Helper()
	n, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: res.Started.Fence,
		State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func keyed(k string) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Key, r.Digest = k, []byte("digest of "+k) }
}

func TestBegin_keyExpires(t *testing.T) {
	s, c := clocked(Config{})
	commit(t, s, begin(t, s, keyed("early")))
	c.pass(time.Hour)
	commit(t, s, begin(t, s, keyed("late")))
	c.pass(storage.KeyTTL - time.Hour - 1)
	if begin(t, s, keyed("early")).Replay == nil {
		t.Error("a key of nearly 24 hours was forgotten")
	}
	c.pass(1)
	commit(t, s, begin(t, s, keyed("early"))) // the key has expired, so that this Begin starts a new turn
	if begin(t, s, keyed("late")).Replay == nil {
		t.Error("a key of 23 hours was forgotten")
	}
	c.pass(storage.KeyTTL - 1)
	if begin(t, s, keyed("early")).Replay == nil {
		t.Error("the second use of a key does not live 24 hours")
	}
	c.pass(1)
	held := begin(t, s, keyed("other"))
	if held.Started == nil {
		t.Fatal("not started")
	}
	c.pass(storage.KeyTTL)
	// The lease of the held turn and its idempotency key have both expired, so that Begin
	// interrupts the turn and starts the next turn.
	if next := begin(t, s, keyed("other")); next.Started == nil || next.Started.Sequence != held.Started.Sequence+1 {
		t.Errorf("%+v; want the next turn", next)
	}
}

func TestBegin_leaseEnds(t *testing.T) {
	s, c := clocked(Config{})
	begin(t, s)
	other := func(r *storage.BeginRequest) { r.Holder = "other" }
	c.pass(10*time.Second - 1)
	if begin(t, s, other).Busy == nil {
		t.Error("the lease ended early")
	}
	if err := s.Renew(t.Context(), []string{"h"}, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	c.pass(3*time.Second - 1)
	if begin(t, s, other).Busy == nil {
		t.Error("the renewed lease ended early")
	}
	if err := s.Renew(t.Context(), []string{"h"}, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	c.pass(1)
	if begin(t, s, other).Started == nil {
		t.Error("the lease did not end")
	}
}

func TestRenew_revivesLease(t *testing.T) {
	s, c := clocked(Config{})
	begin(t, s)
	c.pass(time.Minute)
	if err := s.Renew(t.Context(), []string{"h"}, time.Second); err != nil {
		t.Fatal(err)
	}
	if begin(t, s, func(r *storage.BeginRequest) { r.Holder = "other" }).Busy == nil {
		t.Error("a lease that nobody took over was not given back")
	}
}

func TestBegin_endlessLease(t *testing.T) {
	s, c := clocked(Config{})
	c.pass(time.Hour)
	begin(t, s, func(r *storage.BeginRequest) { r.Lease = math.MaxInt64 })
	c.pass(1000 * time.Hour)
	if begin(t, s).Busy == nil {
		t.Error("the longest lease ran over and ended")
	}
}

func TestBegin_maxBytes(t *testing.T) {
	s, _ := clocked(Config{MaxBytes: 100_000})
	big := func(r *storage.BeginRequest) {
		r.Messages = storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", 40_000)))
	}
	elsewhere := func(r *storage.BeginRequest) { r.Call.Conversation = "d" }
	for range 3 {
		commit(t, s, begin(t, s, big))
	}
	req := &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Message{}), Holder: "h", Lease: time.Second}
	if _, err := s.Begin(t.Context(), req); !fault.Is(err, fault.QuotaExhausted) {
		t.Errorf("begin over the bound: %v", err)
	}
	foreign := *req
	foreign.Call.Tenant = "other"
	if _, err := s.Begin(t.Context(), &foreign); err != nil {
		t.Errorf("another tenant's begin: %v", err)
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: call}); err != nil {
		t.Fatal(err)
	}
	if n := s.db.Size(call.Tenant); n != 0 {
		t.Errorf("%d bytes are counted when all is deleted", n)
	}
	begin(t, s, big, elsewhere)
}

func TestStore_canceledCalls(t *testing.T) {
	s := New(Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Message{}), Holder: "h", Lease: time.Second}
	if _, err := s.Begin(ctx, req); !fault.Is(err, fault.Canceled) {
		t.Errorf("begin: %v", err)
	}
	if s.db.Size(call.Tenant) != 0 {
		t.Error("a canceled begin left something")
	}
}

func TestStore_twoStores(t *testing.T) {
	a, b := New(Config{}), New(Config{})
	held := begin(t, a)
	if begin(t, b).Started.Sequence != 1 {
		t.Error("the second store knows of the first")
	}
	_, err := b.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: held.Started.Fence, State: storage.Failed})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a fence of another store: %v", err)
	}
}

// TestDelete_amongWriters deletes a tenant again and again while four goroutines write turns of the
// tenant. It checks that every call succeeds or returns fault.Conflict, and that the last deletion
// leaves no conversation.
func TestDelete_amongWriters(t *testing.T) {
	s := New(Config{})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				c := sdk.Call{Tenant: "t", Conversation: fmt.Sprint(w, i%3), User: "u"}
				res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: c, Messages: storage.EncodeMessages(chat.Message{}), Holder: "h", Lease: time.Minute})
				if err != nil || res.Started == nil {
					t.Errorf("begin: %+v, %v", res, err)
					return
				}
				_, err = s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
					State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Message{})})
				if err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("commit: %v", err)
					return
				}
			}
		})
	}
	all := storage.Scope{Call: sdk.Call{Tenant: "t"}, Tenant: true}
	for range 500 {
		if _, err := s.Delete(t.Context(), all); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	_, err := s.Delete(t.Context(), all)
	if page, listErr := s.List(t.Context(), &storage.ListRequest{Call: all.Call, Limit: 1}); len(page.Conversations) > 0 {
		t.Errorf("%+v is left", page)
	} else if err := errors.Join(err, listErr); err != nil {
		t.Error(err)
	}
}
