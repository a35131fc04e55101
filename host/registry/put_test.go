package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
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
			t.Run(fmt.Sprintf("%s, if none %v", name, o.IfNone), func(t *testing.T) {
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
							t.Error(err)
						}
					})
				}
				all.Wait()
				if created.Load() != 1 || o.IfNone && done.Load() != 1 || !o.IfNone && done.Load() != 9 {
					t.Errorf("%d of %d created the tenant", created.Load(), done.Load())
				}
			})
		}
	}
}

func TestRegistry_Put_whatCreates(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	memory, stored := (&builder{}).open(t, time.Minute, 10), openTestHost(t, shared)
	for name, r := range map[string]*Registry{"in memory": memory, "a tenant store": stored.Registry} {
		t.Run(name, func(t *testing.T) {
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
					t.Errorf("step %d: created is %v: %v", i, got.Created, err)
				}
			}
		})
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
