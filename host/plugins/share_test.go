package plugins

import (
	"context"
	"sync"
	"testing"
	"time"
)

func always() bool { return true }

// hold takes slots until the instance has to wait, and answers how many it got.
func hold(t *testing.T, q *fairQueue, instance string) (releases []func()) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		release, err := q.acquire(ctx, instance, capacity{}, "tenant of "+instance)
		cancel()
		if err != nil {
			return releases
		}
		releases = append(releases, release)
	}
}

// Instances whose upstreams hang keep what they hold. However many they are, there
// is something left for the next.
func TestHangingInstancesLeaveSlotsForOthers(t *testing.T) {
	q := newFairQueue(256, always)
	left := 256
	for i, want := range []int{128, 64, 32, 16, 8, 4, 2, 1} {
		got := len(hold(t, q, itoa(i)))
		if left -= got; got != want {
			t.Errorf("instance %d holds %d of 256 slots; want %d", i, got, want)
		}
	}
	if len(hold(t, q, "last")) == 0 || left != 1 {
		t.Errorf("%d slots are left for the next", left)
	}
}

func TestAnInstanceAloneHasAllSlots(t *testing.T) {
	rivals := false
	q := newFairQueue(8, func() bool { return rivals })
	held := hold(t, q, "a")
	if len(held) != 8 {
		t.Fatalf("%d of 8 slots", len(held))
	}
	// When another comes, it gets the next that are free, before those that waited.
	rivals = true
	got := make(chan string, 2)
	var all sync.WaitGroup
	for _, instance := range []string{"a", "a", "b"} {
		all.Add(1)
		queued(t, q, context.Background(), instance, instance, func(release func(), err error) {
			defer all.Done()
			if err != nil {
				t.Error(err)
				return
			}
			if instance == "b" {
				got <- instance
			}
			release()
		})
	}
	held[0]()
	select {
	case <-got:
	case <-time.After(30 * time.Second):
		t.Fatal("the other instance waits behind one that has seven of eight slots")
	}
	for _, release := range held[1:] {
		release()
	}
	all.Wait()
	if q.free != 8 || len(q.held) != 0 || len(q.lines) != 0 || q.turns.Len() != 0 {
		t.Errorf("left: %d free, %v held, %d lines", q.free, q.held, len(q.lines))
	}
}

// Waiting for one's own instance does not stop the calls of others, of the same
// tenant neither.
func TestWaitingForAnInstanceStopsNoOther(t *testing.T) {
	q := newFairQueue(4, always)
	held := hold(t, q, "hangs")
	if len(held) != 2 {
		t.Fatalf("%d of 4 slots", len(held))
	}
	ctx, giveUp := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for range 10 {
		waiting.Add(1)
		queued(t, q, ctx, "hangs", "a", func(release func(), err error) {
			defer waiting.Done()
			if err == nil {
				t.Error("more than its share")
				release()
			}
		})
	}
	for range 100 {
		soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		release, err := q.acquire(soon, "works", capacity{}, "a")
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	giveUp()
	waiting.Wait()
	for _, release := range held {
		release()
	}
	if q.free != 4 || len(q.held) != 0 || q.waiting() != 0 {
		t.Errorf("left: %d free, %v held, %d waiting", q.free, q.held, q.waiting())
	}
}

// When an instance is alone again, all its calls that waited for others get the slots.
func TestAnInstanceThatIsLeftAloneGetsAllSlots(t *testing.T) {
	rivals := true
	q := newFairQueue(8, func() bool { return rivals })
	held := hold(t, q, "a")
	if len(held) != 4 {
		t.Fatalf("%d of 8 slots", len(held))
	}
	granted := make(chan func(), 3)
	for range 3 {
		queued(t, q, context.Background(), "a", "tenant", func(release func(), err error) {
			if err != nil {
				t.Error(err)
			}
			granted <- release
		})
	}
	q.mu.Lock()
	rivals = false
	q.mu.Unlock()
	held[0]()
	for range 3 {
		select {
		case release := <-granted:
			defer release()
		case <-time.After(30 * time.Second):
			t.Fatal("a call waits while slots are free")
		}
	}
}
