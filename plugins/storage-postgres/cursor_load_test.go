package pgstore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestClaim_together checks that several hosts follow conversations while turns end and conversations
// are deleted. No conversation has two holders at once, and in the end all have been followed.
func TestClaim_together(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	const conversations, turns, hosts = 12, 8, 4
	stores := make([]*Store, hosts)
	for i := range stores {
		stores[i] = open(t, config(dsn))
	}
	var mu sync.Mutex
	holders, followed := map[string]string{}, map[string]int64{}
	follow := func(s *Store, holder string) (n int) {
		res, err := s.Claim(t.Context(), &storage.ClaimRequest{Call: sdk.Call{Tenant: "t"}, StoreKey: "store", Holder: holder, Lease: time.Hour, Limit: 3, Kind: storage.ClaimAll})
		if err != nil {
			t.Error(err)
			return 0
		}
		for _, c := range res.Claimed {
			key := c.Incarnation
			mu.Lock()
			if h := holders[key]; h != "" && h != holder {
				t.Errorf("%s is held by %s and %s", key, h, holder)
			}
			holders[key] = holder
			mu.Unlock()
			sequence := c.Sequence
			if !c.Forget {
				page, err := s.Read(t.Context(), &storage.ReadRequest{Call: sdk.Call{Tenant: "t", Conversation: c.Conversation}, After: c.Sequence, Limit: 100, All: true})
				if err == nil {
					for _, turn := range page.Turns {
						if turn.State != storage.Running {
							sequence = turn.Sequence
						}
					}
				}
			}
			mu.Lock()
			holders[key], followed[c.Conversation] = "", sequence
			mu.Unlock()
			err := advance(t, s, c, sequence, func(r *storage.AdvanceRequest) { r.Holder = holder })
			if err != nil && !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
		return len(res.Claimed)
	}
	stop := make(chan struct{})
	var working, following sync.WaitGroup
	for h := range hosts {
		following.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					follow(stores[h], fmt.Sprint("host ", h))
				}
			}
		})
	}
	for i := range conversations {
		working.Go(func() {
			c := call("t", fmt.Sprint("c", i))
			for n := range turns {
				turn(t, stores[i%hosts], c)
				if i%4 == 0 && n == turns/2 {
					if _, err := stores[i%hosts].Delete(t.Context(), storage.Scope{Call: c}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	working.Wait()
	close(stop)
	following.Wait()
	for h := range hosts { // each returns what it holds, and the first takes the rest
		for follow(stores[h], fmt.Sprint("host ", h)) > 0 {
		}
	}
	for i := range conversations {
		want := int64(turns)
		if i%4 == 0 {
			want = turns/2 - 1
		}
		if got := followed[fmt.Sprint("c", i)]; got != want {
			t.Errorf("conversation %d was followed up to %d; want %d", i, got, want)
		}
	}
	if res := claim(t, stores[0], "t", by("last")); len(res.Claimed) > 0 || res.Held || res.More {
		t.Errorf("left is %+v", res)
	}
}

// TestAdvance_whileATurnEnds checks that a cursor is behind when a turn ends after Advance has read how
// many turns there are, and before it has written the cursor. A lock on the cursor holds Advance there.
func TestAdvance_whileATurnEnds(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	s := open(t, config(dsn))
	c := call("t", "c")
	turn(t, s, c)
	claimed := claim(t, s, "t").Claimed[0]
	started := begin(t, s, c)

	watcher := connect(t, dsn)
	waiting := func() int64 {
		return column[int64](t, watcher, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)[0]
	}
	locker := connect(t, dsn)
	tx, err := locker.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select from botyard.cursors where cid <> 0 for update`); err != nil {
		t.Fatal(err)
	}
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not after 30 seconds: %s", what)
			}
		}
	}
	var both sync.WaitGroup
	var done atomic.Bool
	both.Go(func() {
		if err := advance(t, s, claimed, 1); err != nil {
			t.Error(err)
		}
	})
	eventually("Advance waits for the cursor", func() bool { return waiting() == 1 })
	both.Go(func() {
		_, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: started.Started.Fence, State: storage.Succeeded, Messages: said("ok")})
		if err != nil {
			t.Error(err)
		}
		done.Store(true)
	})
	eventually("the turn ends, or waits for Advance", func() bool { return done.Load() || waiting() == 2 })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	both.Wait()
	wantIDs(t, "after both", claim(t, s, "t"), "c")
}
