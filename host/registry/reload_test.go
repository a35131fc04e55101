package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// under returns a Check that adds a suffix to every revision and refuses the tenants in broken.
func under(suffix string, broken ...string) Check {
	return func(_ context.Context, id string, docs config.Documents, _ Trial) (*config.Effective, error) {
		for _, b := range broken {
			if id == b {
				return nil, config.Problems{{Message: "breaks"}}
			}
		}
		if docs.Operator.Values()["own"] != nil {
			// A tenant with the key own inherits nothing, so its revision has no suffix.
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

// TestRegistry_Reload_leavesOutLeaving checks that a tenant of a leaving source does not
// prevent a reload, even if the tenant's settings are invalid under the new files. A tenant of
// another source is checked, even if a leaving source has the same id.
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

// stopping returns a Check that calls check. Before each call it sends the tenant's id to asked
// and receives from goOn.
func stopping(check Check) (_ Check, asked chan string, goOn chan struct{}) {
	asked, goOn = make(chan string), make(chan struct{})
	return func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error) {
		select {
		case asked <- id:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case <-goOn:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return check(ctx, id, docs, trial)
	}, asked, goOn
}

type reloadEnd struct {
	changes []Change
	broken  int
	err     error
}

// reloadBy calls Reload with positional arguments, and returns the fields of its result.
func reloadBy(ctx context.Context, r *Registry, check Check, commit func(), leaving ...string) ([]Change, int, error) {
	out, err := r.Reload(ctx, ReloadOptions{Check: check, Commit: commit, Leaving: leaving})
	return out.Changes, out.Broken, err
}

func startReload(ctx context.Context, r *Registry, check Check, commit func()) chan reloadEnd {
	done := make(chan reloadEnd, 1)
	go func() {
		changes, broken, err := reloadBy(ctx, r, check, commit)
		done <- reloadEnd{changes, broken, err}
	}()
	return done
}

// TestRegistry_Reload_changesMeanwhile checks that turns and changes of tenants continue during
// a slow reload, and that the reload checks the changed tenants before it is applied.
func TestRegistry_Reload_changesMeanwhile(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	r.o.Check = under("")
	put(t, r, "a", 1)
	check, asked, goOn := stopping(under("x"))
	committed := 0
	done := startReload(t.Context(), r, check, func() { committed++ })
	if id := <-asked; id != "a" {
		t.Fatal(id)
	}
	put(t, r, "b", 1) // the reload is checking a
	put(t, r, "a", 2)
	if l := acquire(t, r, "b"); l.Revision != "1" {
		t.Errorf("the new base counts already: %s", l.Revision)
	} else {
		l.Release()
	}
	goOn <- struct{}{}
	first := <-asked // a and b have changed and are checked again
	second := "a"
	if first == "a" {
		second = "b"
	}
	waits := make(chan error, 1)
	go func() { // a second change waits until the reload is done, and is checked under the new base
		_, err := r.Put(t.Context(), second, doc("v", 3), PutOptions{})
		waits <- err
	}()
	put(t, r, "c", 1) // the first change of a tenant does not wait
	goOn <- struct{}{}
	if id := <-asked; id != second {
		t.Errorf("%s, then %s", first, id)
	}
	goOn <- struct{}{}
	if id := <-asked; id != "c" {
		t.Errorf("then %s", id)
	}
	select {
	case err := <-waits:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	goOn <- struct{}{}
	got := <-done
	if got.err != nil || got.broken != 0 || committed != 1 || len(got.changes) != 3 {
		t.Fatalf("%+v, committed %d", got, committed)
	}
	if id := <-asked; id != second {
		t.Error(id)
	}
	goOn <- struct{}{}
	if err := <-waits; err != nil {
		t.Error(err)
	}
	for id, want := range map[string]string{first: map[string]string{"a": "2x", "b": "1x"}[first], second: "3x", "c": "1x"} {
		if l := acquire(t, r, id); l.Revision != want {
			t.Errorf("%s has revision %s, not %s", id, l.Revision, want)
		} else {
			l.Release()
		}
	}
}

// TestRegistry_Reload_breaksWhatCame checks that a reload is not applied if settings that were
// put during the reload are invalid under the new base.
func TestRegistry_Reload_breaksWhatCame(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	r.o.Check = under("")
	put(t, r, "a", 1)
	check, asked, goOn := stopping(under("x", "b"))
	done := startReload(t.Context(), r, check, func() { t.Error("it counts") })
	<-asked
	put(t, r, "b", 1)
	for range 2 {
		goOn <- struct{}{}
		if len(done) == 0 {
			select {
			case <-asked:
			case got := <-done:
				done <- got
			}
		}
	}
	if got := <-done; got.err != nil || got.broken != 1 || len(got.changes) != 2 || got.changes[1].Tenant != "b" {
		t.Errorf("%+v", got)
	}
	put(t, r, "b", 2) // no reload runs, so the Put does not wait
}

// TestRegistry_Reload_judgedBefore checks that a Put whose settings were checked before a
// reload checks the settings again after the reload.
func TestRegistry_Reload_judgedBefore(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	check, asked, goOn := stopping(under(""))
	r.o.Check = check
	waits := make(chan error, 1)
	go func() {
		_, err := r.Put(t.Context(), "a", doc("v", 1), PutOptions{})
		waits <- err
	}()
	<-asked
	if got := <-startReload(t.Context(), r, under("x", "a"), func() {}); got.err != nil || got.broken != 0 {
		t.Fatalf("%+v", got)
	}
	goOn <- struct{}{}
	if err := <-waits; err == nil || !strings.Contains(err.Error(), "breaks") {
		t.Errorf("%v", err)
	}
}

// TestRegistry_Reload_canceled checks that a reload ends when its ctx ends, and that later
// changes and reloads work.
func TestRegistry_Reload_canceled(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	r.o.Check = under("")
	put(t, r, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	check, asked, _ := stopping(under("x"))
	done := startReload(ctx, r, check, func() { t.Error("it counts") })
	<-asked
	other, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := reloadBy(other, r, under("y"), func() {}); fault.Of(err).Class != fault.Canceled {
		t.Errorf("a second one: %v", err)
	}
	cancel()
	if got := <-done; fault.Of(got.err).Class != fault.Canceled {
		t.Errorf("%+v", got)
	}
	put(t, r, "a", 2)
	if got := <-startReload(t.Context(), r, under("z"), func() {}); got.err != nil || len(got.changes) != 1 {
		t.Errorf("%+v", got)
	}
}
