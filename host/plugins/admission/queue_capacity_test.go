package admission

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestQueue_upstreamWithFewSlots checks the order of calls for an upstream that takes one
// or two calls at once. A call of a tenant that arrives behind forty calls of another
// tenant must be the first or second call that is served next.
func TestQueue_upstreamWithFewSlots(t *testing.T) {
	for _, parallel := range []int{1, 2} {
		for _, instances := range [][2]string{{"i", "i"}, {"flood's", "b's"}} {
			t.Run(fmt.Sprintf("parallel %d, instances %s", parallel, instances), func(t *testing.T) {
				q := NewQueue(64, always)
				capacity := Capacity{"ollama", parallel}
				var mu sync.Mutex
				atWork, most, served := 0, 0, []string(nil)
				var all sync.WaitGroup
				next := make(chan struct{})
				call := func(instance, tenant string) {
					all.Go(func() {
						release, err := q.Acquire(context.Background(), Claim{Instance: instance, Capacity: capacity, Tenant: tenant})
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
				eventually(t, time.Minute, "calls that wait", func() bool { return q.Waiting() == 40-parallel })
				call(instances[1], "b")
				eventually(t, time.Minute, "calls that wait", func() bool { return q.Waiting() == 41-parallel })
				// the calls end one by one, so that served has the order of the queue
				for ended := 1; ended <= 41; ended++ {
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
				if q.free != 64 || len(q.byInstance)+len(q.byTenant)+len(q.byUpstream)+len(q.places) != 0 {
					t.Errorf("left: %d free, %v held, %v busy, %d lines", q.free, q.byInstance, q.byUpstream, len(q.places))
				}
			})
		}
	}
}

// TestQueue_servesOtherUpstreams checks that calls to other upstreams do not wait while one
// upstream is full.
func TestQueue_servesOtherUpstreams(t *testing.T) {
	q := NewQueue(8, always)
	full := Capacity{"full", 1}
	if _, err := q.Acquire(t.Context(), Claim{Instance: "a", Capacity: full, Tenant: "a"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() {
		_, err := q.Acquire(ctx, Claim{Instance: "a", Capacity: full, Tenant: "a"})
		gaveUp <- err
	}()
	eventually(t, time.Minute, "calls that wait", func() bool { return q.Waiting() == 1 })
	for _, capacity := range []Capacity{{}, {"other", 1}, {"third", 1}} {
		if _, err := q.Acquire(t.Context(), Claim{Instance: "b" + capacity.Upstream, Capacity: capacity, Tenant: "b"}); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-gaveUp; err == nil {
		t.Error("a call beyond the upstream's capacity was let through")
	}
	if q.Waiting() != 0 || q.byUpstream["full"] != 1 {
		t.Errorf("%d wait, %v busy", q.Waiting(), q.byUpstream)
	}
}
