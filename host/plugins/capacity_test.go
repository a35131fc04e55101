package plugins

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// An upstream that takes one call at once and serves first come, first served, has
// forty calls of one tenant before one of another: that one is the next or the one after.
func TestFairQueueKeepsCallsFromAnUpstreamWithFewSlots(t *testing.T) {
	for _, parallel := range []int{1, 2} {
		for _, instances := range [][2]string{{"i", "i"}, {"flood's", "b's"}} {
			t.Run(fmt.Sprintf("parallel %d, instances %s", parallel, instances), func(t *testing.T) {
				q := newFairQueue(64, always)
				room := capacity{"ollama", parallel}
				var mu sync.Mutex
				atWork, most, served := 0, 0, []string(nil)
				var all sync.WaitGroup
				next := make(chan struct{})
				call := func(instance, tenant string) {
					all.Go(func() {
						release, err := q.acquire(context.Background(), instance, room, tenant)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						atWork++
						most = max(most, atWork)
						served = append(served, tenant)
						mu.Unlock()
						<-next
						mu.Lock()
						atWork--
						mu.Unlock()
						release()
					})
				}
				for range 40 {
					call(instances[0], "flood")
				}
				eventually(t, time.Minute, "calls that wait", func() bool { return q.waiting() == 40-parallel })
				call(instances[1], "b")
				eventually(t, time.Minute, "calls that wait", func() bool { return q.waiting() == 41-parallel })
				for ended := 1; ended <= 41; ended++ { // one by one, so that the order is that of the queue
					next <- struct{}{}
					eventually(t, time.Minute, "the next call", func() bool {
						mu.Lock()
						defer mu.Unlock()
						return len(served) == min(41, parallel+ended)
					})
				}
				all.Wait()
				if most > parallel {
					t.Errorf("%d calls at once", most)
				}
				for i, tenant := range served {
					if tenant == "b" && i > parallel+1 {
						t.Errorf("the other tenant's call was number %d", i+1)
					}
				}
				if q.free != 64 || len(q.held)+len(q.holds)+len(q.busy)+len(q.places) != 0 {
					t.Errorf("left: %d free, %v held, %v busy, %d lines", q.free, q.held, q.busy, len(q.places))
				}
			})
		}
	}
}

// An upstream that is full keeps nobody from another one.
func TestFairQueueServesOtherUpstreams(t *testing.T) {
	q := newFairQueue(8, always)
	full := capacity{"full", 1}
	if _, err := q.acquire(t.Context(), "a", full, "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() {
		_, err := q.acquire(ctx, "a", full, "a")
		gaveUp <- err
	}()
	eventually(t, time.Minute, "calls that wait", func() bool { return q.waiting() == 1 })
	for _, room := range []capacity{{}, {"other", 1}, {"third", 1}} {
		if _, err := q.acquire(t.Context(), "b"+room.upstream, room, "b"); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-gaveUp; err == nil {
		t.Error("a call beyond the upstream's room was let through")
	}
	if q.waiting() != 0 || q.busy["full"] != 1 {
		t.Errorf("%d wait, %v busy", q.waiting(), q.busy)
	}
}

func TestCapacityOf(t *testing.T) {
	in := &instance{digest: "d"}
	for _, c := range []struct {
		parallel int32
		upstream string
		want     capacity
		bad      bool
	}{
		{0, "x", capacity{}, false},
		{2, "", capacity{"instance d", 2}, false},
		{2, "x", capacity{"upstream x", 2}, false},
		{2, "instance d", capacity{"upstream instance d", 2}, false},
		{-1, "", capacity{}, true},
		{1, string(make([]byte, sdk.MaxUpstreamBytes+1)), capacity{}, true},
	} {
		got, err := capacityOf(in, &pluginv1.ConfigureResponse{Parallel: c.parallel, Upstream: c.upstream})
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%d %.20q: %v, %v", c.parallel, c.upstream, got, err)
		}
	}
}
