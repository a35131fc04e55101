package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

// hardFor is how long tenants change at the full rate.
const hardFor = time.Minute

// changeTenants changes tenants at a rate, then at five a second.
func (r *run) changeTenants(ctx context.Context, perSecond int) {
	began := time.Now()
	for n := 1; ctx.Err() == nil; n++ {
		if err := r.client.change(ctx, rand.IntN(tenants), n); err != nil && !over(ctx, err) {
			r.ledger.violate("%v", err)
		}
		r.ledger.count("changed")
		rate := perSecond
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		if time.Since(began) > hardFor {
			rate = 5
			due = time.Now().Add(time.Second / time.Duration(rate))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(due)):
		}
	}
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
			r.ledger.count("killed")
		}
	}
}
