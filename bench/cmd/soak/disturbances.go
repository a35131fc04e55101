package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// changers is how many goroutines change tenants concurrently. A single goroutine cannot reach the wanted
// rate under load.
const changers = 8

// change registers the next settings of a tenant and records their revision. It finishes even if ctx is
// done meanwhile, because turns may already run with the new settings.
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

// changeTenants changes random tenants, perSecond times a second, until ctx is done.
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

// killEvery is the time between two kills. Two plugins are killed alternately, each every 50 seconds. Each
// plugin therefore crashes again within the minute after which the host would count it as healthy.
const killEvery = 25 * time.Second

// killPlugins kills the process of a plugin every killEvery until ctx is done. It spares the storage,
// because that process has the conversations in its memory.
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
