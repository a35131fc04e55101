package registry

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
)

// stopping is a Check that says of which tenant it is asked, and goes on when it is let.
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

// reloadBy is Reload with its options and results one by one.
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

// TestRegistry_Reload_changesMeanwhile: a reload that takes its time stops neither turns nor changes of
// tenants, and it knows of what changed before it counts.
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
	put(t, r, "b", 1) // while a is checked
	put(t, r, "a", 2)
	if l := acquire(t, r, "b"); l.Revision != "1" {
		t.Errorf("the new base counts already: %s", l.Revision)
	} else {
		l.Release()
	}
	goOn <- struct{}{}
	first := <-asked // both changed, and are checked again
	second := "a"
	if first == "a" {
		second = "b"
	}
	waits := make(chan error, 1)
	go func() { // a second change waits until it is done, and is checked under the new base
		_, err := r.Put(t.Context(), second, doc("v", 3), PutOptions{})
		waits <- err
	}()
	put(t, r, "c", 1) // one that did not change before does not wait
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

// TestRegistry_Reload_breaksWhatCame: settings that came while others were checked, and that would
// break, keep the new base from counting.
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
	put(t, r, "b", 2) // nothing waits any more
}

// TestRegistry_Reload_judgedBefore: settings that were checked before the new base counted, and
// come after, are checked again.
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

// TestRegistry_Reload_canceled: a reload ends with its request, and leaves nothing behind.
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

// TestRegistry_Put_slots: settings are judged in turns. A tenant that has many waiting keeps none
// but its own waiting, and who waits ends with its request.
func TestRegistry_Put_slots(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	check, asked, goOn := stopping(under(""))
	r.o.Check, r.o.Slots = check, slots.New(2, 1)
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
	goOn <- struct{}{} // either may take it
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
