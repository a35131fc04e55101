package pgstore

import (
	"fmt"
	"sync"
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
