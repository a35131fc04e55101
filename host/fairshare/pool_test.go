package fairshare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"pgregory.net/rapid"
)

func poolOf(b Bounds) *Pool { return NewPool("things", func() Bounds { return b }) }

func (p *Pool) acquire(t *testing.T, name string, amount int64) *Share {
	t.Helper()
	s, err := p.Acquire(t.Context(), name, amount)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPool_leavesHalf checks that a tenant gets at most half of what other tenants leave.
func TestPool_leavesHalf(t *testing.T) {
	p := poolOf(Bounds{Each: 100, All: 100})
	got := map[string]int{}
	for _, name := range []string{"a", "b", "c"} {
		for {
			if _, err := p.Acquire(t.Context(), name, 1); err != nil {
				if f := fault.Of(err); f.Class != fault.RateLimited || f.RetryAfter <= 0 || f.Party != fault.PartyCaller {
					t.Errorf("%v", err)
				}
				break
			}
			got[name]++
		}
	}
	if got["a"] != 50 || got["b"] != 25 || got["c"] != 13 {
		t.Errorf("%v", got)
	}
	if _, err := p.Acquire(t.Context(), "late", 1); err != nil {
		t.Error(err)
	}
}

// TestPool_each checks that a tenant gets at most Bounds.Each, and that the error names the amount.
func TestPool_each(t *testing.T) {
	p := poolOf(Bounds{Each: 3, All: 100})
	share := p.acquire(t, "a", 3)
	_, err := p.Acquire(t.Context(), "a", 1)
	if err == nil || !strings.Contains(err.Error(), "may have 3 things") {
		t.Error(err)
	}
	if err := p.Check("a", 1); err == nil {
		t.Error("Check allows more than Each")
	}
	if err := share.Grow(1); err == nil {
		t.Error("Grow allows more than Each")
	}
	p.acquire(t, "b", 3).Release()
	share.Shrink(1)
	if err := share.Grow(2); err != nil || share.Amount() != 3 {
		t.Error(err, share.Amount())
	}
	share.Release()
	share.Release()
	if p.Held() != 0 || len(p.tenants) != 0 {
		t.Errorf("an amount of %d is still held by %d tenants", p.Held(), len(p.tenants))
	}
}

// TestPool_servesInTurnsByTenant checks that a tenant with many waiting calls does not delay a
// tenant with few.
func TestPool_servesInTurnsByTenant(t *testing.T) {
	p := poolOf(Bounds{Each: 1, All: 1, WaitingEach: 10, WaitingAll: 100, Wait: time.Hour})
	first := p.acquire(t, "x", 1)
	var mu sync.Mutex
	var order []string
	var all sync.WaitGroup
	wait := func(name string, n int) {
		all.Go(func() {
			s, err := p.Acquire(t.Context(), name, 1)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			s.Release()
		})
		for p.Waiting() < n {
			time.Sleep(time.Millisecond)
		}
	}
	for n := range 3 {
		wait("a", n+1)
	}
	wait("b", 4)
	first.Release()
	all.Wait()
	if got := strings.Join(order, ""); got != "abaa" {
		t.Errorf("the tenants were served in the order %s", got)
	}
	if p.Held() != 0 || len(p.tenants) != 0 || len(p.ring) != 0 || p.Waiting() != 0 {
		t.Errorf("%+v is left", p)
	}
}

// TestPool_boundsWaiting checks that Acquire stops waiting when its context ends or Bounds.Wait has
// passed, and that it does not wait if too many calls wait already.
func TestPool_boundsWaiting(t *testing.T) {
	p := poolOf(Bounds{Each: 1, All: 1, WaitingEach: 1, WaitingAll: 2, Wait: time.Hour})
	p.acquire(t, "x", 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	var all sync.WaitGroup
	for n, name := range []string{"a", "b"} {
		all.Go(func() {
			if _, err := p.Acquire(ctx, name, 1); !errors.Is(err, errGone) {
				t.Error(err)
			}
		})
		for p.Waiting() < n+1 {
			time.Sleep(time.Millisecond)
		}
	}
	for _, name := range []string{"a", "c"} {
		if _, err := p.Acquire(t.Context(), name, 1); !fault.Is(err, fault.RateLimited) {
			t.Error(name, err)
		}
	}
	if _, err := poolOf(Bounds{Each: 9, All: 1, WaitingEach: 1, WaitingAll: 2, Wait: time.Hour}).Acquire(t.Context(), "a", 2); !fault.Is(err, fault.RateLimited) {
		t.Error("Acquire waits for an amount that never fits:", err)
	}
	cancel(errGone)
	all.Wait()
	short := poolOf(Bounds{Each: 1, All: 1, WaitingEach: 1, WaitingAll: 1, Wait: time.Millisecond})
	short.acquire(t, "x", 1)
	if _, err := short.Acquire(t.Context(), "a", 1); !fault.Is(err, fault.RateLimited) {
		t.Error(err)
	}
	if p.Waiting() != 0 || short.Waiting() != 0 || len(short.tenants) != 1 || len(p.tenants) != 1 || len(p.ring)+len(short.ring) != 0 {
		t.Errorf("%+v and %+v are left", p, short)
	}
}

var errGone = fault.New(fault.Canceled, "gone")

// TestPool_addsUp checks that random calls never count an amount twice or lose an amount.
func TestPool_addsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Bounds{Each: 7, All: 20}
		p := poolOf(b)
		var shares []*Share
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			var share *Share
			if n := len(shares); n > 0 {
				share = shares[rapid.IntRange(0, n-1).Draw(t, "which")]
			}
			amount := int64(rapid.IntRange(0, 9).Draw(t, "amount"))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				name := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "tenant"))
				if s, err := p.Acquire(context.Background(), name, amount); err == nil {
					shares = append(shares, s)
				}
			case 1:
				share.Shrink(amount)
			case 2:
				share.Release()
			case 3:
				if share != nil {
					_ = share.Grow(amount)
				}
			}
			sum, of := int64(0), map[string]int64{}
			for _, s := range shares {
				sum += s.Amount()
				of[s.name] += s.Amount()
			}
			if sum != p.Held() || sum > b.All {
				t.Fatalf("%d are held, and the shares have %d", p.Held(), sum)
			}
			for name, held := range of {
				if held > b.Each || held > 0 && p.tenants[name].held != held {
					t.Fatalf("%s has %d", name, held)
				}
			}
		}
		for _, s := range shares {
			s.Release()
		}
		if len(p.tenants) != 0 {
			t.Fatalf("%d tenants are left", len(p.tenants))
		}
	})
}
