package registry

import (
	"context"
	"errors"
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

func TestRegistry_Put_turnsFinishOnTheirBot(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	old := acquire(t, r, "a")
	put(t, r, "a", 2)
	l := acquire(t, r, "a")
	if l.Revision != "2" || l.Cached || old.Revision != "1" {
		t.Errorf("revisions %s and %s", old.Revision, l.Revision)
	}
	l.Release()
	if y.frees.Load() != 0 {
		t.Error("a bot was released under its turn")
	}
	old.Release()
	for i := 0; y.frees.Load() != 1; i++ {
		if i > 1000 {
			t.Fatal("the old bot was not released after its last turn")
		}
		time.Sleep(time.Millisecond)
	}
	put(t, r, "a", 2) // the same settings again
	if l = acquire(t, r, "a"); !l.Cached {
		t.Error("an equal revision dropped the bot")
	}
	l.Release()
}

func TestRegistry_Put_duringABuild(t *testing.T) {
	gate := make(chan struct{})
	y := &builder{}
	y.build = func(_ context.Context, e *config.Effective) error {
		if e.Revision == "1" {
			<-gate
		}
		return nil
	}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	waiting := make(chan *Lease)
	go func() { waiting <- acquire(t, r, "a") }()
	for y.builds.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	put(t, r, "a", 2)
	if l := acquire(t, r, "a"); l.Revision != "2" {
		t.Errorf("revision %s after the change", l.Revision)
	} else {
		l.Release()
	}
	close(gate)
	(<-waiting).Release()
	if l := acquire(t, r, "a"); l.Revision != "2" || !l.Cached {
		t.Errorf("the overtaken build was cached: revision %s, cached %v", l.Revision, l.Cached)
	} else {
		l.Release()
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

func TestRegistry_Put_badChangeChangesNothing(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	acquire(t, r, "a").Release()
	var problems config.Problems
	if _, err := r.Put(context.Background(), "a", doc("bad", "no"), PutOptions{}); !errors.As(err, &problems) {
		t.Fatal(err)
	}
	if _, err := r.Put(context.Background(), "../b", doc("v", 1), PutOptions{}); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if l := acquire(t, r, "a"); !l.Cached || l.Revision != "1" {
		t.Errorf("cached %v, revision %s", l.Cached, l.Revision)
	} else {
		l.Release()
	}
	r.RefuseFile("a", SourceAPI, errors.New("bad again"))
	acquire(t, r, "a").Release()
	r.RefuseFile("new", "new.hcl", errors.New("new.hcl:1:1: bad"))
	_, err := r.Acquire(context.Background(), "new")
	if e := fault.Of(err); e == nil || e.Class != fault.Invalid || e.Party != fault.PartyTenant {
		t.Errorf("a tenant without a valid configuration: %v", err)
	}
	if list, _, _ := r.List(context.Background(), "", 10); len(list) != 2 || list[1].Err == nil || list[1].Revision != "" {
		t.Errorf("list %v", list)
	}
}

func TestRegistry_Put_whoMayReplace(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	ctx := context.Background()
	for _, c := range []struct {
		id    string
		o     PutOptions
		class fault.Class // error of the Put; Internal for none
	}{
		{"a", PutOptions{IfMatch: "1"}, fault.Conflict},
		{"a", PutOptions{DryRun: true}, fault.Internal},
		{"a", PutOptions{IfNone: true}, fault.Internal}, // the dry run before registered nothing
		{"a", PutOptions{IfNone: true}, fault.Conflict},
		{"a", PutOptions{IfMatch: "1"}, fault.Internal},
		{"a", PutOptions{IfMatch: "*"}, fault.Internal},
		{"a", PutOptions{IfMatch: "2"}, fault.Conflict},
		{"a", PutOptions{Source: "a.hcl"}, fault.Conflict},
		{"f", PutOptions{Source: "f.hcl"}, fault.Internal},
		{"f", PutOptions{Source: "f.hcl"}, fault.Internal},
		{"f", PutOptions{Source: "f.yaml"}, fault.Internal}, // another file may have the id of a file's tenant
		{"f", PutOptions{}, fault.Conflict},
	} {
		_, err := r.Put(ctx, c.id, doc("v", 1), c.o)
		if (err == nil) != (c.class == fault.Internal) || (err != nil && !fault.Is(err, c.class)) {
			t.Errorf("%s %+v: %v", c.id, c.o, err)
		}
	}
	if now, err := r.Get(ctx, "f"); err != nil || now.Source != "f.yaml" {
		t.Errorf("it comes from %q: %v", now.Source, err)
	}
	if r.DropFile("f", "f.hcl"); len(r.CachedBots()) != 0 || r.Remove(ctx, "f", "") == nil {
		t.Error("it was dropped with a file that it comes from no longer")
	}
	if err := r.Remove(ctx, "f", ""); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := r.Remove(ctx, "a", "2"); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	acquire(t, r, "a").Release()
	if err := r.Remove(ctx, "a", "1"); err != nil {
		t.Error(err)
	}
	if _, err := r.Acquire(ctx, "a"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := r.Remove(ctx, "a", ""); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
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

func BenchmarkCachedBot(b *testing.B) {
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

// TestRegistry_Put_sameSettingsKeepTheBuild checks that a Put of the same settings does not
// begin another build. The host reads tenant folders repeatedly, and each read puts the same
// settings again.
func TestRegistry_Put_sameSettingsKeepTheBuild(t *testing.T) {
	gate := make(chan struct{})
	y := &builder{}
	y.build = func(context.Context, *config.Effective) error { <-gate; return nil }
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	waiting := make(chan *Lease)
	go func() { waiting <- acquire(t, r, "a") }()
	for y.builds.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	put(t, r, "a", 1)
	close(gate)
	(<-waiting).Release()
	l := acquire(t, r, "a")
	defer l.Release()
	if !l.Cached {
		t.Error("a build was not cached because the same settings came again")
	}
}
