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

// until waits for so much work and so many waiters.
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

// holding starts work of a tenant that holds a slot until end is called.
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

// A tenant's hundred waiting calls delay another tenant's by one each.
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

// A tenant has no more than its share, and what it leaves others have.
func TestSlots_each(t *testing.T) {
	s := NewSlots(3, 2)
	ends := []func(){holding(t, s, "a"), holding(t, s, "a")}
	waits := make(chan error, 1)
	go func() { waits <- s.Do(t.Context(), "a", func(context.Context) error { return nil }) }()
	until(t, s, 2, 1)
	ends = append(ends, holding(t, s, "b")) // passes by the one that waits
	until(t, s, 3, 1)
	for _, end := range ends {
		end()
	}
	if err := <-waits; err != nil {
		t.Error(err)
	}
	until(t, s, 0, 0)
}

// Waiting ends with its context, and takes nothing along.
func TestSlots_canceled(t *testing.T) {
	s := NewSlots(1, 1)
	end := holding(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		waits <- s.Do(ctx, "b", func(context.Context) error { t.Error("it works all the same"); return nil })
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

// Work that has a slot needs no other, and leaves it to others while it is away.
func TestSlots_nested(t *testing.T) {
	s := NewSlots(1, 1)
	failed := errors.New("failed")
	err := s.Do(t.Context(), "a", func(ctx context.Context) error {
		if err := s.Do(ctx, "a", func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		if err := Away(ctx, func() error {
			holding(t, s, "b")()
			// It is away: its own context asks for a slot as any other.
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

// Under all kinds of use no more works at once than may, and in the end nothing is left.
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
