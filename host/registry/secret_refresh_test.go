package registry

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func TestRegistry_DropIfStale(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	var stale atomic.Bool
	build := r.o.Build
	r.o.Build = func(ctx context.Context, req BuildRequest) (Built, error) {
		b, err := build(ctx, req)
		b.Stale = stale.Load
		return b, err
	}
	put(t, r, "a", 1)
	acquire(t, r, "a").Release()
	if r.DropIfStale("a") {
		t.Error("a fresh bot was dropped")
	}
	stale.Store(true)
	if !r.DropIfStale("a") || r.DropIfStale("a") || r.DropIfStale("nobody") {
		t.Error("a stale bot is dropped once")
	}
	stale.Store(false)
	if l := acquire(t, r, "a"); l.Cached {
		t.Error("a stale bot is served")
	} else {
		l.Release()
	}
}
