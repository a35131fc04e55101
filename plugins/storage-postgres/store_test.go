package pgstore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestBegin_keyExpires checks that an idempotency key expires after 24 hours. It changes the start
// times of turns instead of the clock, because a test cannot change the clock of the server.
func TestBegin_keyExpires(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	back := func(interval string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), name, "update botyard.turns set started = started - interval '"+interval+"'"); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, call("t", "c"), begin(t, s, call("t", "c"), keyed("k")))
	back("23 hours 59 minutes")
	if begin(t, s, call("t", "c"), keyed("k")).Replay == nil {
		t.Error("a key of nearly 24 hours was forgotten")
	}
	other := func(r *storage.BeginRequest) { r.Key, r.Digest = "k", []byte("other") }
	if !begin(t, s, call("t", "c"), other).KeyReused {
		t.Error("a key of nearly 24 hours is free")
	}
	back("1 minute")
	commit(t, s, call("t", "c"), begin(t, s, call("t", "c"), other)) // the key has expired, so that this Begin starts a new turn
	back("23 hours 59 minutes")
	if begin(t, s, call("t", "c"), other).Replay == nil || !begin(t, s, call("t", "c"), keyed("k")).KeyReused {
		t.Error("the second use of a key does not live 24 hours")
	}
}

func TestRenew_removesExpired(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	twice := slices.Repeat([]string{"4", "1", "3", "2"}, storage.MaxRenewal/4)
	if err := s.Renew(t.Context(), twice, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), name, "update botyard.holders set until = until - interval '61 minutes' where holder < '3'"); err != nil {
		t.Fatal(err)
	}
	// This renewal must not shorten the lease of holder 4.
	if err := s.Renew(t.Context(), []string{"4", "5"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	left, err := c.Exec(t.Context(), name, "select string_agg(holder || ' ' || (until > now() + interval '5 minutes'), ', ' order by holder) from botyard.holders")
	if err != nil || left != "3 true, 4 true, 5 false" {
		t.Errorf("kept are %q, %v", left, err)
	}
}

// TestRenew_olderPlugins checks that two versions of the plugin respect each other's renewed
// leases. The older version has a single holder for all turns of a host, and renews its lease with
// a database function.
func TestRenew_olderPlugins(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	short := func(holder string) func(*storage.BeginRequest) {
		return func(r *storage.BeginRequest) { r.Holder, r.Lease = holder, time.Nanosecond }
	}
	begin(t, s, call("t", "old"), short("run"))
	begin(t, s, call("t", "new"), short("run2.a"))
	begin(t, s, call("t", "lost"), short("run2.b"))
	if _, err := c.Exec(t.Context(), name, "select botyard.renew_1('run', '1 hour')"); err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(t.Context(), []string{"run2.a"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	for conversation, alive := range map[string]string{"old": "true", "new": "true", "lost": "false"} {
		t.Run(conversation, func(t *testing.T) {
			// The older version reads the lease with the function alive_1, and this version with Begin.
			got, err := c.Exec(t.Context(), name, "select botyard.alive_1(running_holder, running_until)::text from botyard.conversations where id = '"+conversation+"'")
			if err != nil || got != alive {
				t.Errorf("%s: alive is %q, %v; want %s", conversation, got, err, alive)
			}
			if res := begin(t, s, call("t", conversation)); (res.Busy != nil) != (alive == "true") {
				t.Errorf("%s: %+v", conversation, res)
			}
		})
	}
}

func TestBegin_endlessLease(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	begin(t, s, call("t", "c"), func(r *storage.BeginRequest) { r.Lease = math.MaxInt64 })
	if err := s.Renew(t.Context(), []string{"h"}, math.MaxInt64); err != nil {
		t.Error(err)
	}
	if begin(t, s, call("t", "c")).Busy == nil {
		t.Error("the longest lease ran over and ended")
	}
}

// TestDelete_limit checks that no call can read the turns that a deletion with a limit has not
// removed yet. It also checks that a later deletion removes these turns.
func TestDelete_limit(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	commit(t, s, call("t", "c"), begin(t, s, call("t", "c")))
	fill := `insert into botyard.turns (tenant, cid, seq, number, state, user_id, message, messages, started, ended)
		select 't', cid, n, n, 'succeeded', 'u', '{}', 1, now(), now() from botyard.conversations, generate_series(2, 4500) as n`
	if _, err := c.Exec(t.Context(), name, fill); err != nil {
		t.Fatal(err)
	}
	d, err := s.Delete(t.Context(), storage.Scope{Call: call("t", "c"), Limit: 1200})
	if err != nil || d != (storage.Deleted{Turns: 1200, More: true}) {
		t.Fatalf("the first step: %+v, %v", d, err)
	}
	if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: call("t", "c"), Limit: 1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("what is being deleted is read: %v", err)
	}
	if res := begin(t, s, call("t", "c")); res.Started == nil || res.Started.Sequence != 1 || len(res.Started.Tail) > 0 {
		t.Errorf("the new life: %+v", res)
	}
	d, err = s.Delete(t.Context(), storage.Scope{Call: call("t", ""), Before: time.Now().Add(-time.Hour)})
	if err != nil || d != (storage.Deleted{Conversations: 1, Turns: 3300}) {
		t.Errorf("the rest: %+v, %v", d, err)
	}
	if n, err := c.Exec(t.Context(), name, "select count(*) from botyard.turns"); err != nil || n != "1" {
		t.Errorf("%s turns are left, %v; want the new life's", n, err)
	}
}

// TestRead_pageBytes checks that Read returns fewer turns than the limit if their messages are
// large.
func TestRead_pageBytes(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	long := strings.Repeat("x", 6<<20)
	const turns = 5
	for range turns {
		commit(t, s, call("t", "c"), begin(t, s, call("t", "c"), func(r *storage.BeginRequest) {
			r.Messages, r.Tail = said(long), 0
		}))
	}
	seen := 0
	for after := int64(0); ; {
		page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call("t", "c"), After: after, Limit: storage.MaxPage})
		if err != nil || len(page.Turns) == 0 || len(page.Turns) > 2 {
			t.Fatalf("%d turns in a page, %v", len(page.Turns), err)
		}
		seen += len(page.Turns)
		after = page.Turns[len(page.Turns)-1].Sequence
		if !page.More {
			break
		}
	}
	if seen != turns {
		t.Errorf("%d turns in all pages; want %d", seen, turns)
	}
}

// TestPool_closesOverflow checks that the pool closes idle connections that exceed its size.
func TestPool_closesOverflow(t *testing.T) {
	t.Parallel() // most of the time the test waits
	cfg := config(cluster(t).DSN(database(t)))
	cfg.PoolSize, cfg.MaxOverflow = 2, 4
	s := open(t, cfg)
	begin(t, s, call("t", "c"))
	var leases []lease
	for range 6 {
		l, err := s.pool.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leases = append(leases, l)
	}
	for _, l := range leases {
		l.Release()
	}
	if n := s.pool.Stat().TotalConns(); n != 6 {
		t.Fatalf("%d connections; want 6", n)
	}
	deadline := time.Now().Add(10 * trimEvery)
	for s.pool.Stat().TotalConns() != 2 {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are kept; want 2", s.pool.Stat().TotalConns())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestStore_unstorableText(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	for what, set := range map[string]func(*storage.BeginRequest){
		"message":      func(r *storage.BeginRequest) { r.Messages = []storage.Message{{Text: "a\x00b"}} },
		"conversation": func(r *storage.BeginRequest) { r.Call.Conversation = "a\x00b" },
		"user":         func(r *storage.BeginRequest) { r.Call.User = "a\x00b" },
		"tenant":       func(r *storage.BeginRequest) { r.Call.Tenant = "a\xffb" },
		"key":          func(r *storage.BeginRequest) { r.Key = "a\x00b" },
		"metadata":     func(r *storage.BeginRequest) { r.Metadata = []byte(`{"a": `) },
		"long id":      func(r *storage.BeginRequest) { r.Call.Conversation = randomText(8000) },
	} {
		t.Run(what, func(t *testing.T) {
			req := &storage.BeginRequest{Call: call("t", "c"), Messages: said("hi"), Holder: "h", Lease: time.Minute}
			set(req)
			_, err := s.Begin(t.Context(), req)
			if e := fault.Of(err); err == nil || e.Class != fault.Invalid {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

// randomText returns text that compresses badly.
func randomText(n int) string {
	text := make([]byte, n)
	for i, x := 0, uint32(1); i < n; i++ {
		x = x*1664525 + 1013904223
		text[i] = 'a' + byte(x>>24)%26
	}
	return string(text)
}

// TestStore_conflictKeepsConnections checks that a fault for a wrong request does not close the
// connection.
func TestStore_conflictKeepsConnections(t *testing.T) {
	cfg := config(cluster(t).DSN(database(t)))
	cfg.PoolSize, cfg.MaxOverflow = 1, 0
	s := open(t, cfg)
	begin(t, s, call("t", "c"))
	opened := s.pool.Stat().NewConnsCount()
	for range 3 {
		_, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: "t", IfVersion: 7, State: storage.TenantActive, Attempt: "x"})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("put: %v", err)
		}
		_, err = s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", "d"), Messages: said("hi"), Holder: "h", Lease: time.Minute, Metadata: []byte("no JSON")})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("begin: %v", err)
		}
	}
	if n := s.pool.Stat().NewConnsCount(); n != opened {
		t.Errorf("%d connections were made anew", n-opened)
	}
}

// TestGetTenants_largeDocuments checks that ListTenants returns smaller pages for large documents,
// and that GetTenants returns all tenants nevertheless.
func TestGetTenants_largeDocuments(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	const each, tenants = 6 << 20, 4
	var ids []string
	for i := range tenants {
		ids = append(ids, fmt.Sprint("t", i))
		_, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: ids[i], State: storage.TenantActive, Attempt: ids[i], Document: make([]byte, each)})
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.GetTenants(t.Context(), ids)
	if err != nil || len(all) != tenants {
		t.Errorf("%d of %d tenants, %v", len(all), tenants, err)
	}
	var seen []string
	for after := ""; ; {
		page, err := s.ListTenants(t.Context(), after, storage.MaxPage)
		if err != nil || len(page.Registrations) == 0 || (len(page.Registrations)-1)*each >= sdk.MaxPageBytes {
			t.Fatalf("a page of %d, %v", len(page.Registrations), err)
		}
		for _, r := range page.Registrations {
			after = r.Tenant
			seen = append(seen, after)
		}
		if !page.More {
			break
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint(ids) {
		t.Errorf("listed are %q; want %q", seen, ids)
	}
}
