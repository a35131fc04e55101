package bot

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func TestGateServesAConversationOneAtATimeInOrder(t *testing.T) {
	g, l := &Gate{}, limits(100, 100)
	first, err := g.enter(context.Background(), "c", "", l)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	var inside atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			leave, err := g.enter(context.Background(), "c", "", l)
			if err != nil {
				t.Error(err)
				return
			}
			if inside.Add(1) != 1 {
				t.Error("two turns in one conversation")
			}
			order = append(order, i)
			inside.Add(-1)
			leave()
		})
		for g.Running() != i+2 { // in line before the next one comes
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
	if g.Running() != 0 || len(g.lines) != 0 {
		t.Errorf("%d turns and %d lines are left", g.Running(), len(g.lines))
	}
}

func TestGateCapsTurnsAndWaiters(t *testing.T) {
	g := &Gate{}
	leave, err := g.enter(context.Background(), "a", "", limits(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.enter(context.Background(), "b", "", limits(1, 1))
	if e := wantClass(t, err, fault.RateLimited); e.RetryAfter == 0 {
		t.Error("no Retry-After")
	}
	_, err = g.enter(context.Background(), "a", "", limits(5, 0))
	wantClass(t, err, fault.Conflict)
	leave()
	if leave, err = g.enter(context.Background(), "b", "", limits(1, 1)); err != nil {
		t.Fatal(err)
	}
	leave()
}

func TestGateGivesUpWithoutATrace(t *testing.T) {
	g, l := &Gate{}, limits(1000, 1000)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%7)*time.Millisecond)
			defer cancel()
			leave, err := g.enter(ctx, fmt.Sprint(i%3), "", l)
			if err == nil {
				time.Sleep(100 * time.Microsecond)
				leave()
			}
		})
	}
	wg.Wait()
	if g.Running() != 0 || len(g.lines) != 0 {
		t.Errorf("%d turns and %d lines are left", g.Running(), len(g.lines))
	}
}

func TestGateRefusesAKeyThatIsAtWork(t *testing.T) {
	g, l := &Gate{}, limits(10, 10)
	leave, err := g.enter(context.Background(), "c", "k", l)
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.enter(context.Background(), "c", "k", l)
	wantClass(t, err, fault.Conflict)
	leave()
	if leave, err = g.enter(context.Background(), "c", "k", l); err != nil {
		t.Fatal(err)
	}
	leave()
}
