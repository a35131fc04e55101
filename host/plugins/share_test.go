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
	if q.free != 8 || len(q.held) != 0 || len(q.places) != 0 || q.turns.Len() != 0 {
		t.Errorf("left: %d free, %v held, %d lines", q.free, q.held, len(q.places))
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

// A tenant gets no more by having many instances: neither slots that hang nor turns.
func TestManyInstancesOfATenantAreOneShare(t *testing.T) {
	q := newFairQueue(64, always)
	var held []func()
	for n := range 40 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		release, err := q.acquire(ctx, itoa(n), capacity{}, "many")
		cancel()
		if err == nil {
			held = append(held, release)
		}
	}
	if len(held) != 32 {
		t.Fatalf("its instances hold %d of 64 slots, want half", len(held))
	}
	other := hold(t, q, "other")
	if len(other) != 16 {
		t.Errorf("another holds %d of the rest, want half", len(other))
	}
	for _, release := range append(held, other...) {
		release()
	}

	// Turns go by tenant: of 20 instances that wait, one is served before the other tenant.
	q = newFairQueue(1, nil)
	release, err := q.acquire(context.Background(), "0", capacity{}, "many")
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 100)
	var all sync.WaitGroup
	for n := range 20 {
		for range 2 {
			all.Add(1)
			queued(t, q, context.Background(), itoa(n), "many", func(release func(), err error) {
				defer all.Done()
				if err == nil {
					order <- "many"
					release()
				}
			})
		}
	}
	all.Add(1)
	queued(t, q, context.Background(), "quiet", "quiet", func(release func(), err error) {
		defer all.Done()
		if err == nil {
			order <- "quiet"
			release()
		}
	})
	release()
	all.Wait()
	close(order)
	place, n := -1, 0
	for name := range order {
		if name == "quiet" {
			place = n
		}
		n++
	}
	if place < 0 || place > 1 {
		t.Errorf("the quiet tenant was served after %d of %d calls of the other's 20 instances", place, n)
	}
	if q.free != 1 || len(q.held)+len(q.holds)+len(q.places) != 0 || q.all != 0 {
		t.Errorf("left: %d free, %v, %v, %d", q.free, q.held, q.holds, q.all)
	}
}
