package registry

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry/botcache"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

func all(*config.Effective) bool { return true }

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// why returns the Unavailable of the tenant in the result of List.
func why(t *testing.T, r *Registry, id string) error {
	t.Helper()
	list, _, err := r.List(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range list {
		if tenant.ID == id {
			if now, err := r.Get(t.Context(), id); err != nil || (now.Unavailable == nil) != (tenant.Unavailable == nil) {
				t.Errorf("%s is listed as %v and got as %v, %v", id, tenant.Unavailable, now.Unavailable, err)
			}
			return tenant.Unavailable
		}
	}
	t.Fatalf("%s is not listed", id)
	return nil
}

// TestRegistry_Rejudge checks that a tenant whose bot cannot be built is listed as unavailable.
// Rejudge builds the tenant's bot again without a request, and does not build bots of other
// tenants.
func TestRegistry_Rejudge(t *testing.T) {
	for _, kind := range []string{"a file's", "in memory", "a tenant store's"} {
		t.Run(kind, func(t *testing.T) {
			var down atomic.Bool
			y := &builder{}
			var r *Registry
			if kind == "a tenant store's" {
				s := openTestHost(t, &tenantstoretest.Memory{})
				y, r = s.builder, s.Registry
			} else {
				r = y.open(t, time.Minute, 100)
			}
			down.Store(true)
			y.build = func(context.Context, *config.Effective) error {
				if down.Load() {
					return fault.New(fault.PluginUnavailable, "the plugin is ill")
				}
				return nil
			}
			o := PutOptions{}
			if kind == "a file's" {
				o.Source = "t.hcl"
			}
			for _, id := range []string{"a", "never-asked-for"} {
				if _, err := r.Put(t.Context(), id, doc("v", 1), o); err != nil {
					t.Fatal(err)
				}
			}
			if err := why(t, r, "a"); err != nil {
				t.Errorf("before it is asked for: %v", err)
			}
			if _, err := r.Acquire(t.Context(), "a"); err == nil {
				t.Fatal("a bot was built of nothing")
			}
			if err := why(t, r, "a"); !fault.Is(err, fault.PluginUnavailable) {
				t.Errorf("after it was refused: %v", err)
			}
			r.Rejudge(func(*config.Effective) bool { return false })
			down.Store(false)
			builds := y.builds.Load()
			if err := why(t, r, "a"); err == nil || y.builds.Load() != builds {
				t.Error("it was judged again for what does not concern it")
			}
			r.Rejudge(all)
			eventually(t, "it is well again", func() bool { return why(t, r, "a") == nil })
			if got := y.builds.Load(); got != builds+1 {
				t.Errorf("%d bots were built for one that was refused", got-builds)
			}
			l := acquire(t, r, "a")
			if l.Release(); !l.Cached {
				t.Error("what was built to judge it is not used")
			}
		})
	}
}

// TestRegistry_Rejudge_waitsLongerEachTime checks that the time between two builds of a bot
// that fails grows. If settings crash a plugin's process, each restart of the process calls
// Rejudge.
func TestRegistry_Rejudge_waitsLongerEachTime(t *testing.T) {
	y := &builder{build: func(context.Context, *config.Effective) error { return fault.New(fault.PluginUnavailable, "it ended") }}
	r := y.open(t, time.Minute, 10)
	put(t, r, "a", 1)
	if _, err := r.Acquire(t.Context(), "a"); err == nil {
		t.Fatal("built")
	}
	judged := func() int32 { return y.builds.Load() - 1 }
	r.Rejudge(all)
	eventually(t, "it is judged again at once", func() bool { return judged() == 1 })
	var want int32 = 1
	for wait := botcache.RetryWait; wait < botcache.RetryWaitMost/2; wait *= 2 {
		eventually(t, "the last build is done", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return !r.cache.BuildingLocked("a") })
		y.clock.Add(int64(wait - time.Second))
		r.Rejudge(all)
		if ids := dueNow(r); len(ids) != 0 || judged() != want {
			t.Fatalf("judged %d times, and again before %s", judged(), wait)
		}
		y.clock.Add(int64(time.Second))
		r.Rejudge(all)
		want++
		eventually(t, fmt.Sprintf("it is judged again after %s", wait), func() bool { return judged() == want })
	}
}

func TestRegistry_Rejudge_boundedAtOnce(t *testing.T) {
	var at, most atomic.Int32
	var down atomic.Bool
	y := &builder{}
	r := y.open(t, time.Minute, 100)
	y.build = func(context.Context, *config.Effective) error {
		if down.Load() {
			return fault.New(fault.Invalid, "the plugin does not take it")
		}
		defer at.Add(-1)
		if n := at.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(2 * time.Millisecond)
		return nil
	}
	down.Store(true)
	for i := range 40 {
		put(t, r, fmt.Sprint("t", i), 1)
		if _, err := r.Acquire(t.Context(), fmt.Sprint("t", i)); err == nil {
			t.Fatal("built")
		}
	}
	// A tenant that was changed or removed is not built again with its old settings.
	if err := r.Remove(t.Context(), "t0", ""); err != nil {
		t.Fatal(err)
	}
	put(t, r, "t1", 2)
	if err := why(t, r, "t1"); err != nil {
		t.Errorf("new settings are told as the old ones: %v", err)
	}
	down.Store(false)
	builds := y.builds.Load()
	r.Rejudge(all)
	eventually(t, "all are judged", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.cache.FailuresLocked() == 0 })
	if got := y.builds.Load() - builds; got != 38 || most.Load() > retriedAtOnce {
		t.Errorf("%d were judged, %d at once", got, most.Load())
	}
}

// TestRegistry_Rejudge_registeredTenant checks that after Rejudge the host checks a registered
// tenant with invalid settings again.
func TestRegistry_Rejudge_registeredTenant(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	s := openTestHost(t, shared)
	put(t, s.Registry, "a", 1)
	other := openTestHost(t, shared)
	var missing atomic.Bool
	missing.Store(true)
	check := other.o.Check
	other.o.Check = func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error) {
		if missing.Load() {
			return nil, config.Problems{{Message: "unknown plugin"}}
		}
		return check(ctx, id, docs, trial)
	}
	if _, err := other.Acquire(t.Context(), "a"); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	listed := func() error {
		all, _, err := other.List(t.Context(), "", 10)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0].Err
	}
	if listed() == nil {
		t.Error("the list says that it is well")
	}
	missing.Store(false)
	other.Rejudge(all)
	if err := listed(); err != nil {
		t.Errorf("listed, before anybody has asked for it: %v", err)
	}
	l, err := other.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// dueNow returns the tenants whose bots the Cache wants to be built again now.
func dueNow(r *Registry) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids, _ := r.cache.DueLocked()
	return ids
}
