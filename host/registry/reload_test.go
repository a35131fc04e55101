package registry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

// under is a Check in which every revision has a suffix, and some tenants break.
func under(suffix string, broken ...string) Check {
	return func(_ context.Context, id string, docs config.Documents, _ Trial) (*config.Effective, error) {
		for _, b := range broken {
			if id == b {
				return nil, config.Problems{{Message: "breaks"}}
			}
		}
		if docs.Operator.Values()["own"] != nil {
			// A tenant that inherits nothing.
			return &config.Effective{Tenant: id, Revision: fmt.Sprint(docs.Operator.Values()["own"])}, nil
		}
		return &config.Effective{Tenant: id, Revision: fmt.Sprint(docs.Operator.Values()["v"]) + suffix}, nil
	}
}

func TestRegistry_Reload_allOrNothing(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	r.o.Check = under("")
	ctx := context.Background()
	put(t, r, "a", 1)
	put(t, r, "b", 1)
	if _, err := r.Put(ctx, "c", doc("own", 5), PutOptions{}); err != nil {
		t.Fatal(err)
	}
	r.RefuseFile("d", "d.hcl", errors.New("never valid"))
	for _, id := range []string{"a", "b", "c"} {
		acquire(t, r, id).Release()
	}
	committed := 0
	commit := func() { committed++ }

	changes, broken, err := reloadBy(ctx, r, under("x", "b"), commit)
	if err != nil || broken != 1 || committed != 0 || len(changes) != 2 {
		t.Fatalf("%v %d %v", changes, broken, err)
	}
	if changes[0].Tenant != "a" || changes[0].To != "1x" || changes[1].Tenant != "b" || changes[1].Err == nil || changes[1].To != "" {
		t.Errorf("changes %v", changes)
	}
	if changes, broken, _ = reloadBy(ctx, r, under("x"), nil); len(changes) != 2 || broken != 0 {
		t.Errorf("a dry run: %v %d", changes, broken)
	}
	for _, id := range []string{"a", "b", "c"} {
		if l := acquire(t, r, id); !l.Cached {
			t.Errorf("%s was dropped by a reload that was refused, or dry", id)
		} else {
			l.Release()
		}
	}
	old := acquire(t, r, "a")
	if changes, broken, _ = reloadBy(ctx, r, under("x"), commit); len(changes) != 2 || broken != 0 || committed != 1 {
		t.Errorf("%v %d %d", changes, broken, committed)
	}
	for id, want := range map[string]struct {
		revision string
		cached   bool
	}{"a": {"1x", false}, "b": {"1x", false}, "c": {"5", true}} {
		l := acquire(t, r, id)
		if l.Revision != want.revision || l.Cached != want.cached {
			t.Errorf("%s: revision %s, cached %v", id, l.Revision, l.Cached)
		}
		l.Release()
	}
	if old.Revision != "1" {
		t.Error("a turn at work changed its revision")
	}
	old.Release()
	put(t, r, "a", 2)
	if l := acquire(t, r, "a"); l.Revision != "2x" {
		t.Errorf("a tenant registered after the reload has revision %s", l.Revision)
	} else {
		l.Release()
	}
}

// A tenant that is about to be dropped is no obstacle to a base under which it would
// break. It is told by its source: another source may bring its id.
func TestRegistry_Reload_leavesOutLeaving(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	r.o.Check = under("")
	ctx := context.Background()
	for id, source := range map[string]string{"a": "a.hcl", "b": "b.hcl", "c": "c.hcl"} {
		if _, err := r.Put(ctx, id, doc("v", 1), PutOptions{Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	committed := 0
	commit := func() { committed++ }
	changes, broken, err := reloadBy(ctx, r, under("x", "b", "c"), commit, "b.hcl", "c.yaml")
	if err != nil || broken != 1 || committed != 0 || len(changes) != 2 || changes[1].Tenant != "c" {
		t.Errorf("%v %d %v", changes, broken, err)
	}
	changes, broken, err = reloadBy(ctx, r, under("x", "b"), commit, "b.hcl")
	if err != nil || broken != 0 || committed != 1 || len(changes) != 2 {
		t.Errorf("%v %d %v", changes, broken, err)
	}
	l := acquire(t, r, "b")
	if l.Revision != "1" {
		t.Errorf("what is leaving has revision %s", l.Revision)
	}
	l.Release()
	r.DropFile("b", "b.hcl")
}

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
