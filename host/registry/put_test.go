package registry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

// TestRegistry_Put_onlyOneCreates checks that of all concurrent Puts of a free id exactly one
// returns Created. With IfNone all other Puts fail.
func TestRegistry_Put_onlyOneCreates(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	for name, hosts := range map[string][]*Registry{
		"in memory":                   {(&builder{}).open(t, time.Minute, 10)},
		"a tenant store, three hosts": {openTestHost(t, shared).Registry, openTestHost(t, shared).Registry, openTestHost(t, shared).Registry},
	} {
		for _, o := range []PutOptions{{}, {IfNone: true}} {
			id := fmt.Sprintf("x-%v", o.IfNone)
			var created, done atomic.Int64
			var all sync.WaitGroup
			for i := range 9 {
				all.Go(func() {
					got, err := hosts[i%len(hosts)].Put(t.Context(), id, doc("v", fmt.Sprint("n", i%2)), o)
					switch {
					case err == nil && got.Created:
						created.Add(1)
						fallthrough
					case err == nil:
						done.Add(1)
					case !o.IfNone || !fault.Is(err, fault.Conflict):
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			if created.Load() != 1 || o.IfNone && done.Load() != 1 || !o.IfNone && done.Load() != 9 {
				t.Errorf("%s, %+v: %d of %d created it", name, o, created.Load(), done.Load())
			}
		}
	}
}

func TestRegistry_Put_whatCreates(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	memory, stored := (&builder{}).open(t, time.Minute, 10), openTestHost(t, shared)
	for name, r := range map[string]*Registry{"in memory": memory, "a tenant store": stored.Registry} {
		for i, step := range []struct {
			do      func() (Tenant, error)
			created bool
		}{
			{func() (Tenant, error) { return puts(t, r, PutOptions{DryRun: true}, 1) }, false},
			{func() (Tenant, error) { return puts(t, r, PutOptions{}, 1) }, true},
			{func() (Tenant, error) { return puts(t, r, PutOptions{}, 1) }, false}, // the same settings again
			{func() (Tenant, error) { return puts(t, r, PutOptions{}, 2) }, false},
			{func() (Tenant, error) { return puts(t, r, PutOptions{IfMatch: "*"}, 3) }, false},
			{func() (Tenant, error) { return puts(t, r, PutOptions{DryRun: true}, 4) }, false},
			{func() (Tenant, error) { return r.Get(t.Context(), "x") }, false},
			{func() (Tenant, error) { return Tenant{}, r.Remove(t.Context(), "x", "") }, false},
		} {
			if got, err := step.do(); err != nil || got.Created != step.created {
				t.Errorf("%s, step %d: created is %v: %v", name, i, got.Created, err)
			}
		}
	}
	if got, err := puts(t, memory, PutOptions{}, 1); err != nil || !got.Created {
		t.Errorf("in memory, after it was removed: %+v, %v", got, err)
	}
	if got, err := stored.Restore(t.Context(), "x"); err != nil || got.Created {
		t.Errorf("restored: %+v, %v", got, err)
	}
	// The other host has not read the tenant yet.
	other := openTestHost(t, shared)
	if got, err := puts(t, other.Registry, PutOptions{}, 9); err != nil || got.Created {
		t.Errorf("on another host: %+v, %v", got, err)
	}
}

func puts(t *testing.T, r *Registry, o PutOptions, v int) (Tenant, error) {
	got, err := r.Put(t.Context(), "x", doc("v", v), o)
	return got, err
}

// TestRegistry_Put_slots checks that tenants share the slots for checks fairly. Many waiting
// Puts of one tenant delay only this tenant. A Put stops waiting when its request ends.
func TestRegistry_Put_slots(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	check, asked, goOn := stopping(under(""))
	r.o.Check, r.o.Slots = check, fairshare.NewSlots(2, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 50)
	go func() {
		_, err := r.Put(ctx, "flood", doc("v", 1), PutOptions{})
		ended <- err
	}()
	if id := <-asked; id != "flood" {
		t.Fatal(id)
	}
	// beyond: judged at once
	for range 49 {
		go func() {
			_, err := r.Put(ctx, "flood", doc("v", 1), PutOptions{})
			ended <- err
		}()
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if busy, waiting := r.o.Slots.Counts(); busy == 1 && waiting == 49 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("they do not wait")
		}
	}
	good := make(chan error, 1)
	go func() {
		_, err := r.Put(t.Context(), "good", doc("v", 1), PutOptions{})
		good <- err
	}()
	if id := <-asked; id != "good" {
		t.Errorf("the second is %s", id)
	}
	goOn <- struct{}{} // the check of tenant flood or of tenant good receives the value
	cancel()
	for range 50 {
		<-ended
	}
	select {
	case goOn <- struct{}{}:
		if err := <-good; err != nil {
			t.Error(err)
		}
	case err := <-good:
		if err != nil {
			t.Error(err)
		}
	}
	if busy, waiting := r.o.Slots.Counts(); busy != 0 || waiting != 0 {
		t.Errorf("%d at work and %d waiting are left", busy, waiting)
	}
}
