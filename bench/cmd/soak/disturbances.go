package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// changers is how many goroutines change tenants concurrently. One alone would not reach the rate
// under load.
const changers = 8

// change registers the next settings of a tenant and notes their revision. It goes on after ctx has
// ended, since turns may already run on these settings.
func (r *run) change(ctx context.Context, tenant int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	n := int(r.generation.Add(1))
	revision, err := r.client.put(ctx, tenant, n)
	if err == nil {
		r.revisions.register(revision, tenant, n)
	}
	return err
}

// changeTenants changes random tenants at a rate until ctx ends.
func (r *run) changeTenants(ctx context.Context, perSecond int) {
	began := time.Now()
	var number atomic.Int64
	var all sync.WaitGroup
	for range changers {
		all.Go(func() {
			for {
				due := began.Add(time.Duration(number.Add(1)) * time.Second / time.Duration(perSecond))
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(due)):
				}
				if err := r.change(ctx, rand.IntN(tenants)); err != nil {
					r.results.violate("%v", err)
				}
				r.results.count(changed)
			}
		})
	}
	all.Wait()
}

// killEvery is the time between two kills. The two victims take turns. So each is killed again before
// the minute without a crash has passed after which a plugin counts as healthy.
const killEvery = 25 * time.Second

// killPlugins kills a plugin's process every killEvery until ctx ends. It never kills the storage,
// whose conversations are in the memory of its process.
func (r *run) killPlugins(ctx context.Context) {
	victims := []string{"llm-echo", "memory-buffer"}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(killEvery):
		}
		pids, err := r.host.Pids()
		if err != nil {
			r.results.violate("the host does not list its plugins: %v", err)
			continue
		}
		if pid := pids[victims[n%len(victims)]]; pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			r.results.count(killed)
		}
	}
}
