package fairshare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// until waits until busy pieces of work run and waiting pieces of work wait.
func until(t *testing.T, s *Slots, busy, waiting int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		b, w := s.Counts()
		if b == busy && w == waiting {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d at work and %d waiting; want %d and %d", b, w, busy, waiting)
		}
	}
}

// holding starts work of the tenant that occupies a slot until the caller calls end.
func holding(t *testing.T, s *Slots, tenant string) (end func()) {
	t.Helper()
	in, out, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Do(t.Context(), tenant, func(context.Context) error { close(in); <-out; return nil })
	}()
	<-in
	return func() { close(out); <-done }
}

// TestSlots_turns checks that a hundred waiting calls of one tenant delay a call of another tenant
// by one call.
func TestSlots_turns(t *testing.T) {
	s := NewSlots(1, 1)
	end := holding(t, s, "first")
	var mu sync.Mutex
	var order []string
	var all sync.WaitGroup
	ask := func(tenant string) {
		_, before := s.Counts()
		all.Go(func() {
			_ = s.Do(t.Context(), tenant, func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, tenant)
				return nil
			})
		})
		until(t, s, 1, before+1)
	}
	for range 100 {
		ask("flood")
	}
	ask("a")
	ask("b")
	end()
	all.Wait()
	if got := order[:4]; !slices.Equal(got, []string{"flood", "a", "b", "flood"}) || len(order) != 102 {
		t.Errorf("%d, in the order %v", len(order), got)
	}
	until(t, s, 0, 0)
	if len(s.tenants) != 0 {
		t.Errorf("%d tenants are left", len(s.tenants))
	}
}

// TestSlots_each checks that a tenant uses no more slots than one tenant may, and that other
// tenants get the free slots.
func TestSlots_each(t *testing.T) {
	s := NewSlots(3, 2)
	ends := []func(){holding(t, s, "a"), holding(t, s, "a")}
	waits := make(chan error, 1)
	go func() { waits <- s.Do(t.Context(), "a", func(context.Context) error { return nil }) }()
	until(t, s, 2, 1)
	ends = append(ends, holding(t, s, "b")) // b gets a slot although the third call of a came earlier
	until(t, s, 3, 1)
	for _, end := range ends {
		end()
	}
	if err := <-waits; err != nil {
		t.Error(err)
	}
	until(t, s, 0, 0)
}

// TestSlots_canceled checks that Do stops waiting when its context ends, and occupies no slot
// afterwards.
func TestSlots_canceled(t *testing.T) {
	s := NewSlots(1, 1)
	end := holding(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		waits <- s.Do(ctx, "b", func(context.Context) error { t.Error("Do calls the work although its context has ended"); return nil })
	}()
	until(t, s, 1, 1)
	cancel()
	if err := <-waits; fault.Of(err).Class != fault.Canceled {
		t.Error(err)
	}
	until(t, s, 1, 0)
	end()
	holding(t, s, "b")()
	if err := s.Do(ctx, "b", nil); fault.Of(err).Class != fault.Canceled {
		t.Error(err)
	}
	until(t, s, 0, 0)
}

// TestSlots_nested checks that a nested Do needs no second slot, and that Away lets other work use
// the slot.
func TestSlots_nested(t *testing.T) {
	s := NewSlots(1, 1)
	failed := errors.New("failed")
	err := s.Do(t.Context(), "a", func(ctx context.Context) error {
		if err := s.Do(ctx, "a", func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := Away(ctx, func() error {
			holding(t, s, "b")()
			// During Away the work has no slot, so Do waits for one.
			return s.Do(ctx, "a", func(context.Context) error { return nil })
		}); err != nil {
			t.Error(err)
		}
		until(t, s, 1, 0)
		return Away(ctx, func() error { return failed })
	})
	if !errors.Is(err, failed) {
		t.Error(err)
	}
	until(t, s, 0, 0)

	ctx, cancel := context.WithCancel(t.Context())
	err = s.Do(ctx, "a", func(ctx context.Context) error { return Away(ctx, func() error { cancel(); return nil }) })
	if fault.Of(err).Class != fault.Canceled {
		t.Error(err)
	}
	until(t, s, 0, 0)

	var none *Slots
	if err := none.Do(t.Context(), "a", func(ctx context.Context) error { return Away(ctx, func() error { return failed }) }); !errors.Is(err, failed) {
		t.Error(err)
	}
}

// TestSlots_many checks that concurrent calls of Do and Away never use more slots than the limits
// allow, and that no tenant remains at the end.
func TestSlots_many(t *testing.T) {
	s := NewSlots(3, 2)
	var mu sync.Mutex
	busy := map[string]int{}
	add := func(tenant string, n int) {
		mu.Lock()
		defer mu.Unlock()
		busy[tenant] += n
		busy["all"] += n
		if busy[tenant] > 2 || busy["all"] > 3 {
			t.Errorf("%v", busy)
		}
	}
	var all sync.WaitGroup
	for i := range 200 {
		tenant := fmt.Sprint("t", i%7)
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			_ = s.Do(ctx, tenant, func(ctx context.Context) error {
				add(tenant, 1)
				add(tenant, -1)
				if err := Away(ctx, func() error { return nil }); err != nil {
					return err
				}
				add(tenant, 1)
				add(tenant, -1)
				return nil
			})
		})
		if i%3 == 0 {
			all.Go(cancel)
		} else {
			defer cancel()
		}
	}
	all.Wait()
	until(t, s, 0, 0)
	if len(s.tenants) != 0 || s.turns.Len() != 0 {
		t.Errorf("%d tenants and %d turns are left", len(s.tenants), s.turns.Len())
	}
}

func BenchmarkSlots(b *testing.B) {
	s := NewSlots(4, 1)
	for b.Loop() {
		_ = s.Do(b.Context(), "a", func(context.Context) error { return nil })
	}
}

// TestWithin checks that work of a class has at most the slots of the class, that other work has
// the others, and that Away lends both slots.
//
// beyond: judged at once for tenants
func TestWithin(t *testing.T) {
	s, class := NewSlots(2, 2), NewSlots(1, 1)
	ctx := Within(t.Context(), class)
	in, out := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for _, tenant := range []string{"a", "b", "c"} {
		all.Go(func() {
			if err := s.Do(ctx, tenant, func(context.Context) error { in <- struct{}{}; <-out; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	<-in
	until(t, class, 1, 2)
	if busy, waiting := s.Counts(); busy != 1 || waiting != 0 {
		t.Errorf("%d of the class are at work and %d wait for the slots of all", busy, waiting)
	}
	holding(t, s, "other")() // work that is not of the class has a slot
	for range 2 {
		out <- struct{}{}
		<-in
	}
	out <- struct{}{}
	all.Wait()

	err := s.Do(ctx, "a", func(ctx context.Context) error {
		return Away(ctx, func() error {
			return s.Do(Within(t.Context(), class), "b", func(context.Context) error { return nil })
		})
	})
	if err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Do(gone, "a", func(context.Context) error { return nil }); err == nil {
		t.Error("work began for nobody")
	}
	for _, all := range []*Slots{s, class} {
		if busy, waiting := all.Counts(); busy != 0 || waiting != 0 {
			t.Errorf("%d slots are held and %d wait at the end", busy, waiting)
		}
	}
}
