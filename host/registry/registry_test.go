package registry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRegistry_Acquire_buildsOnce(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	for i := range 3 {
		l := acquire(t, r, "a")
		if l.Cached != (i > 0) {
			t.Errorf("look-up %d: cached %v", i, l.Cached)
		}
		l.Release()
		l.Release() // a second Release does nothing
	}
	if y.builds.Load() != 1 {
		t.Errorf("%d builds", y.builds.Load())
	}
	l := acquire(t, r, "a", ForceRefresh())
	if l.Cached || y.builds.Load() != 2 {
		t.Error("a forced refresh was served from the cache")
	}
	l.Release()
	if c := r.CachedBots(); len(c) != 1 || c[0].Tenant != "a" || c[0].Revision != "1" {
		t.Errorf("cached %v", c)
	}
}

func TestRegistry_Acquire_leastRecentlyUsedAndTTL(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 2)
	for _, id := range []string{"a", "b", "c"} {
		put(t, r, id, 1)
	}
	for _, id := range []string{"a", "b", "a", "c"} { // b is the least recently used bot
		acquire(t, r, id).Release()
	}
	if c := r.CachedBots(); len(c) != 2 || c[0].Tenant != "a" || c[1].Tenant != "c" {
		t.Errorf("cached %v", c)
	}
	y.clock.Add(int64(time.Minute))
	if c := r.CachedBots(); len(c) != 0 {
		t.Errorf("still cached after the TTL: %v", c)
	}
	l := acquire(t, r, "a")
	if l.Cached {
		t.Error("served after the TTL")
	}
	l.Release()
}

func TestRegistry_Acquire_oneBuildForMany(t *testing.T) {
	gate := make(chan struct{})
	y := &builder{}
	y.build = func(ctx context.Context, e *config.Effective) error {
		if e.Tenant == "slow" {
			<-gate
		}
		return nil
	}
	r := y.open(t, time.Minute, 10)
	put(t, r, "slow", 1)
	put(t, r, "fast", 1)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { acquire(t, r, "slow").Release() })
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Acquire(gone, "slow"); !fault.Is(err, fault.Canceled) {
		t.Errorf("a caller that left got %v", err)
	}
	acquire(t, r, "fast").Release() // slow is still being built
	close(gate)
	wg.Wait()
	if y.builds.Load() != 2 {
		t.Errorf("%d builds; want 2", y.builds.Load())
	}
}

func TestRegistry_Acquire_failedBuildIsNotCached(t *testing.T) {
	var fail atomic.Bool
	fail.Store(true)
	y := &builder{}
	y.build = func(context.Context, *config.Effective) error {
		if fail.Load() {
			return fault.New(fault.PluginUnavailable, "down")
		}
		return nil
	}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	if _, err := r.Acquire(context.Background(), "a"); !fault.Is(err, fault.PluginUnavailable) {
		t.Fatal(err)
	}
	fail.Store(false)
	acquire(t, r, "a").Release()
}

// TestRegistry_leaksNothingUnderChange checks that every bot is freed exactly once, that a
// leased bot is not freed, and that no tenant gets another tenant's bot.
func TestRegistry_leaksNothingUnderChange(t *testing.T) {
	y := &builder{}
	r := y.open(t, 5*time.Millisecond, 3)
	for i := range 6 {
		put(t, r, fmt.Sprint("t", i), 0)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				id := fmt.Sprint("t", rand.IntN(6))
				switch rand.IntN(12) {
				case 0:
					put(t, r, id, i)
				case 1:
					r.EvictBot(id)
				case 2:
					r.ClearCache()
				case 3:
					y.clock.Add(int64(5 * time.Millisecond))
				case 4:
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Microsecond)
					if l, err := r.Acquire(ctx, id); err == nil {
						l.Release()
					}
					cancel()
				default:
					l := acquire(t, r, id)
					if l.Tenant != id {
						t.Errorf("asked for %s, got the bot of %s", id, l.Tenant)
					}
					if _, freed := y.inUse.Load(l.Bot); freed {
						t.Error("a released bot is in use")
					}
					l.Release()
				}
			}
		})
	}
	wg.Wait()
}

func TestRegistry_Close(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 3)
	put(t, r, "a", 1)
	l := acquire(t, r, "a")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); !fault.Is(err, fault.Deadline) {
		t.Error(err)
	}
	if _, err := r.Acquire(context.Background(), "a"); !fault.Is(err, fault.PluginUnavailable) {
		t.Error(err)
	}
	l.Release()
}

func BenchmarkRegistry_Acquire(b *testing.B) {
	y := &builder{}
	r := y.open(b, time.Hour, 1000)
	for i := range 1000 {
		put(b, r, fmt.Sprint("t", i), 0)
		acquire(b, r, fmt.Sprint("t", i)).Release()
	}
	for b.Loop() {
		l, err := r.Acquire(context.Background(), "t500")
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}
