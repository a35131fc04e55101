package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// changers change tenants side by side: one change after the other would be slowed
// down by the turns.
const changers = 8

// change gives a tenant its next settings. Once begun it is finished, for turns may run
// on them.
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

// changeTenants changes tenants at a rate.
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
					r.ledger.violate("%v", err)
				}
				r.ledger.count(changed)
			}
		})
	}
	all.Wait()
}

// killEvery is the time between two kills: longer than the minute without one that
// a plugin needs to count as healthy would be kinder than life is.
const killEvery = 25 * time.Second

// kill ends a plugin's process now and then. The storage is spared: what is kept in
// its process is gone with it, as its documentation says.
func (r *run) kill(ctx context.Context) {
	victims := []string{"llm-echo", "memory-buffer"}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(killEvery):
		}
		pids, err := r.host.Pids()
		if err != nil {
			r.ledger.violate("the host does not list its plugins: %v", err)
			continue
		}
		if pid := pids[victims[n%len(victims)]]; pid != 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			r.ledger.count(killed)
		}
	}
}
