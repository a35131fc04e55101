package admission

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"
)

func always() bool { return true }

// hold acquires slots for the instance until an acquire has to wait, and returns the
// release functions of the acquired slots.
func hold(t *testing.T, q *Queue, instance string) (releases []func()) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		release, err := q.Acquire(ctx, Claim{Instance: instance, Tenant: "tenant of " + instance})
		cancel()
		if err != nil {
			return releases
		}
		releases = append(releases, release)
	}
}

// TestQueue_hangingInstancesLeaveSlots checks that each instance that never releases its
// slots gets half of the free slots, so that the next instance gets a slot too.
func TestQueue_hangingInstancesLeaveSlots(t *testing.T) {
	q := NewQueue(256, always)
	left := 256
	for i, want := range []int{128, 64, 32, 16, 8, 4, 2, 1} {
		got := len(hold(t, q, strconv.Itoa(i)))
		if left -= got; got != want {
			t.Errorf("instance %d holds %d of 256 slots; want %d", i, got, want)
		}
	}
	if len(hold(t, q, "last")) == 0 || left != 1 {
		t.Errorf("%d slots are left for the next", left)
	}
}

func TestQueue_oneInstanceHasAllSlots(t *testing.T) {
	rivals := false
	q := NewQueue(8, func() bool { return rivals })
	held := hold(t, q, "a")
	if len(held) != 8 {
		t.Fatalf("%d of 8 slots", len(held))
	}
	// When a second instance arrives, it gets the next free slots, before the first
	// instance's waiting calls.
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
	if q.free != 8 || len(q.byInstance) != 0 || len(q.places) != 0 || q.turns.Len() != 0 {
		t.Errorf("left: %d free, %v held, %d lines", q.free, q.byInstance, len(q.places))
	}
}

// TestQueue_waitingForAnInstanceStopsNoOther checks that calls that wait for a busy
// instance do not delay the calls of other instances of the same tenant.
func TestQueue_waitingForAnInstanceStopsNoOther(t *testing.T) {
	q := NewQueue(4, always)
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
				t.Error("the instance got more slots than half of the free ones")
				release()
			}
		})
	}
	for range 100 {
		soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		release, err := q.Acquire(soon, Claim{Instance: "works", Tenant: "a"})
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
	if q.free != 4 || len(q.byInstance) != 0 || q.Waiting() != 0 {
		t.Errorf("left: %d free, %v held, %d waiting", q.free, q.byInstance, q.Waiting())
	}
}

// TestQueue_lastInstanceGetsAllSlots checks that all waiting calls of an instance get free
// slots once the instance no longer shares the process.
func TestQueue_lastInstanceGetsAllSlots(t *testing.T) {
	rivals := true
	q := NewQueue(8, func() bool { return rivals })
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

// TestQueue_instancesOfATenantAreOneShare checks that a tenant with many instances gets no
// more slots, and is served no more often, than a tenant with one instance.
func TestQueue_instancesOfATenantAreOneShare(t *testing.T) {
	q := NewQueue(64, always)
	var held []func()
	for n := range 40 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		release, err := q.Acquire(ctx, Claim{Instance: strconv.Itoa(n), Tenant: "many"})
		cancel()
		if err == nil {
			held = append(held, release)
		}
	}
	if len(held) != 32 {
		t.Fatalf("the tenant's instances hold %d of 64 slots, want half", len(held))
	}
	other := hold(t, q, "other")
	if len(other) != 16 {
		t.Errorf("the other instance holds %d of the remaining 32 slots, want half", len(other))
	}
	for _, release := range append(held, other...) {
		release()
	}

	// Of the 20 waiting instances of the tenant "many", one is served before the tenant
	// "quiet".
	q = NewQueue(1, nil)
	release, err := q.Acquire(context.Background(), Claim{Instance: "0", Tenant: "many"})
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 100)
	var all sync.WaitGroup
	for n := range 20 {
		for range 2 {
			all.Add(1)
			queued(t, q, context.Background(), strconv.Itoa(n), "many", func(release func(), err error) {
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
	if q.free != 1 || len(q.byInstance)+len(q.byTenant)+len(q.places) != 0 || q.waiting != 0 {
		t.Errorf("left: %d free, %v, %v, %d", q.free, q.byInstance, q.byTenant, q.waiting)
	}
}
