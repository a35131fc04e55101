package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// beyond: connections to a database server
func TestConnectionShares_join(t *testing.T) {
	s := newConnectionShares(10)
	var pools []*pool
	join := func(wants int) *pool {
		t.Helper()
		p := &pool{maxConns: wants, shares: s}
		if err := s.join("db:5432", p); err != nil {
			t.Fatal(err)
		}
		pools = append(pools, p)
		return p
	}
	shares := func() (of []int) {
		for _, p := range pools {
			of = append(of, p.permits.limit())
		}
		return of
	}
	for _, step := range []struct {
		wants int
		want  string
	}{{900, "[10]"}, {30, "[5 5]"}, {1, "[5 4 1]"}, {30, "[3 3 1 3]"}} {
		join(step.wants)
		if got := fmt.Sprint(shares()); got != step.want {
			t.Errorf("with one more that wants %d: %s, not %s", step.wants, got, step.want)
		}
	}
	for len(pools) < 10 {
		join(5)
	}
	if got := fmt.Sprint(shares()); got != "[1 1 1 1 1 1 1 1 1 1]" {
		t.Errorf("ten have %s", got)
	}
	err := s.join("db:5432", &pool{maxConns: 5, shares: s})
	if !fault.Is(err, fault.QuotaExhausted) || !strings.Contains(err.Error(), ConnectionsVariable) {
		t.Errorf("the eleventh: %v", err)
	}
	if err := s.join("other:5432", &pool{maxConns: 5, shares: s}); err != nil {
		t.Errorf("on another server: %v", err)
	}
	for _, p := range pools[1:] {
		s.leave("db:5432", p)
	}
	if got := pools[0].permits.limit(); got != 10 {
		t.Errorf("the last one has %d", got)
	}
}

// TestConnectionShares_threeStores checks that three Stores with a common bound of six connections
// open at most six connections, and that all their turns still begin. Each Store would open more
// connections without the bound.
func TestConnectionShares_threeStores(t *testing.T) {
	name := database(t)
	dsn := cluster(t).DSN(name)
	shared := newConnectionShares(6)
	ready := func(schema string) *Store {
		cfg := wide(dsn)
		cfg.Schema = schema
		s, err := newStoreWith(cfg, env(), migrations, shared)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	watcher := connect(t, dsn)
	most := 0
	count := func() int {
		var n int
		// The query leaves out the connection of the watcher itself.
		if err := watcher.QueryRow(t.Context(), `select count(*) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`, name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	// countAgain returns the number of connections once the server has ended those that a Store has
	// closed, which takes a moment. A Store keeps the connections that it may have, so a Store with
	// too many still has them then.
	countAgain := func() int {
		n := count()
		for range 100 {
			if n <= 6 {
				break
			}
			time.Sleep(10 * time.Millisecond)
			n = count()
		}
		return n
	}
	// work begins many turns at once in each Store, and counts connections until all turns have
	// begun.
	work := func(turn string, stores ...*Store) {
		var all sync.WaitGroup
		for i, s := range stores {
			all.Go(func() { beginMany(t, s, fmt.Sprint(turn, i)) })
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		for {
			select {
			case <-done:
				return
			default:
				most = max(most, countAgain())
			}
		}
	}
	one := ready("one")
	work("first", one)
	if most > 6 {
		t.Errorf("one configuration has %d connections", most)
	}
	two, three := ready("two"), ready("three")
	soon(t, "the first one gives back what is not its share", func() error {
		if n := count(); n > 2 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
	most = 0
	work("second", one, two, three)
	if most > 6 {
		t.Errorf("three configurations have %d connections", most)
	}
}

// beginMany begins 64 turns at once, which is more than the Store has connections.
func beginMany(t *testing.T, s *Store, tenant string) {
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call(tenant, fmt.Sprint(i)), Messages: said("hi"), Holder: "h", Lease: time.Minute})
			if err != nil {
				t.Errorf("%s: %v", tenant, err)
			}
		})
	}
	all.Wait()
}

func TestPermits(t *testing.T) {
	var p permits
	p.setLimit(1)
	if err := p.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.acquire(gone); !errors.Is(err, context.Canceled) || p.waiting.Len() != 0 {
		t.Errorf("%v, %d wait", err, p.waiting.Len())
	}
	const waiting = 20
	var all sync.WaitGroup
	for range waiting {
		all.Go(func() {
			if err := p.acquire(t.Context()); err != nil {
				t.Error(err)
			}
			p.release()
		})
	}
	p.release()
	all.Wait()
	p.setLimit(0)
	if p.held != 0 || p.waiting.Len() != 0 {
		t.Errorf("%d are held, %d wait", p.held, p.waiting.Len())
	}
}

func TestConnectionsVariable(t *testing.T) {
	for text, want := range map[string]int{"": defaultConnections, "1": 1, "500": 500, "0": 0, "-1": 0, "x": 0, "1000000": 0} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			got, err := connections(text)
			if got != want || (err == nil) != (want > 0) || err != nil && !strings.Contains(err.Error(), ConnectionsVariable) {
				t.Errorf("%q: %d, %v", text, got, err)
			}
		})
	}
}
