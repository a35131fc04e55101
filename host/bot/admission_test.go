package bot

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

func TestAdmission_ServesAConversationOneAtATimeInOrder(t *testing.T) {
	a, l := &Admission{}, limits(100, 100)
	first, err := a.admit(context.Background(), "c", "", l)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	var inside atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			release, err := a.admit(context.Background(), "c", "", l)
			if err != nil {
				t.Error(err)
				return
			}
			if inside.Add(1) != 1 {
				t.Error("two turns in one conversation")
			}
			order = append(order, i)
			inside.Add(-1)
			release()
		})
		for a.Turns() != i+2 { // the turn is in the queue before the next turn comes
			time.Sleep(time.Millisecond)
		}
	}
	first()
	wg.Wait()
	for i, got := range order {
		if got != i {
			t.Fatalf("served in the order %v", order)
		}
	}
	if a.Turns() != 0 || len(a.queues) != 0 {
		t.Errorf("%d turns and %d queues are left", a.Turns(), len(a.queues))
	}
}

func TestAdmission_CapsTurnsAndWaiters(t *testing.T) {
	a := &Admission{}
	release, err := a.admit(context.Background(), "a", "", limits(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.admit(context.Background(), "b", "", limits(1, 1))
	if e := wantClass(t, err, fault.RateLimited); e.RetryAfter == 0 {
		t.Error("no Retry-After")
	}
	_, err = a.admit(context.Background(), "a", "", limits(5, 0))
	wantClass(t, err, fault.Conflict)
	release()
	if release, err = a.admit(context.Background(), "b", "", limits(1, 1)); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestAdmission_GivesUpWithoutATrace(t *testing.T) {
	a, l := &Admission{}, limits(1000, 1000)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%7)*time.Millisecond)
			defer cancel()
			release, err := a.admit(ctx, fmt.Sprint(i%3), "", l)
			if err == nil {
				time.Sleep(100 * time.Microsecond)
				release()
			}
		})
	}
	wg.Wait()
	if a.Turns() != 0 || len(a.queues) != 0 {
		t.Errorf("%d turns and %d queues are left", a.Turns(), len(a.queues))
	}
}

func TestAdmission_RefusesAKeyThatIsAtWork(t *testing.T) {
	a, l := &Admission{}, limits(10, 10)
	release, err := a.admit(context.Background(), "c", "k", l)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.admit(context.Background(), "c", "k", l)
	wantClass(t, err, fault.Conflict)
	release()
	if release, err = a.admit(context.Background(), "c", "k", l); err != nil {
		t.Fatal(err)
	}
	release()
}

func TestAdmission_PacesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, l := &Admission{}, limits(100, 0)
		admitted := func() {
			t.Helper()
			release, err := a.admit(context.Background(), "c", "", l)
			if err != nil {
				t.Fatal(err)
			}
			release()
		}
		refused := func() *fault.Error {
			t.Helper()
			_, err := a.admit(context.Background(), "c", "", l)
			return wantClass(t, err, fault.RateLimited)
		}
		l.TurnsPerMinute = 3
		for range 3 {
			admitted()
		}
		// The tenant may start another turn every 20 seconds. RetryAfter says when.
		if e := refused(); e.RetryAfter != 20*time.Second {
			t.Errorf("retry after %s", e.RetryAfter)
		}
		time.Sleep(15 * time.Second)
		if e := refused(); e.RetryAfter != 5*time.Second {
			t.Errorf("retry after %s; a refused turn took one", e.RetryAfter)
		}
		time.Sleep(5 * time.Second)
		admitted()
		refused()

		// A changed limit does not reset the count. A limit of 0 in between does not reset it
		// either.
		l.TurnsPerMinute = 60
		if e := refused(); e.RetryAfter > time.Second {
			t.Errorf("retry after %s at another pace", e.RetryAfter)
		}
		l.TurnsPerMinute = 0
		for range 1000 {
			admitted()
		}
		l.TurnsPerMinute = 3
		refused()
		time.Sleep(time.Hour)
		for range 3 {
			admitted()
		}
		refused()
	})
}

// TestAdmission_ChargesOnlyWhatItAdmits checks that a turn does not count for TurnsPerMinute if
// it is refused for another reason.
func TestAdmission_ChargesOnlyWhatItAdmits(t *testing.T) {
	a, l := &Admission{}, limits(1, 0)
	l.TurnsPerMinute = 2
	release, err := a.admit(context.Background(), "a", "k", l)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		for _, c := range []string{"a", "b"} {
			if _, err := a.admit(context.Background(), c, "k", l); err == nil {
				t.Fatal("admitted")
			}
		}
	}
	release()
	if release, err = a.admit(context.Background(), "a", "k", l); err != nil {
		t.Fatal(err)
	}
	release()
}

// TestAdmission_CapsAllThatWait checks that WaitingTurns bounds the waiting turns of all
// conversations together, and that running turns do not count as waiting.
func TestAdmission_CapsAllThatWait(t *testing.T) {
	a, l := &Admission{}, limits(3, 10)
	l.WaitingTurns = 4
	var releases []func()
	for _, c := range []string{"a", "b", "c"} {
		release, err := a.admit(context.Background(), c, "", l)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ctx, giveUp := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			release, err := a.admit(ctx, []string{"a", "b"}[i%2], "", l)
			if err == nil {
				release()
			}
		})
	}
	for a.Turns() != 7 {
		time.Sleep(time.Millisecond)
	}
	_, err := a.admit(context.Background(), "c", "", l)
	if e := wantClass(t, err, fault.RateLimited); e.RetryAfter == 0 {
		t.Error("no Retry-After")
	}
	releases[0]() // the two turns that wait for the conversation run one after another
	for a.Turns() > 4 {
		time.Sleep(time.Millisecond)
	}
	giveUp()
	wg.Wait()
	releases[1]()
	releases[2]()
	if a.Turns() != 0 || a.waiting != 0 || len(a.queues) != 0 {
		t.Errorf("%d turns, %d waiting and %d queues are left", a.Turns(), a.waiting, len(a.queues))
	}
}

func limits(turns, waiters int) config.Limits {
	return config.Limits{ConcurrentTurns: turns, WaitingTurns: 1000, ConversationWaiters: waiters, ConversationWait: 5 * time.Second}
}
