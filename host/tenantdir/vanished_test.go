package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clocked serves n tenants by the usual times, on a clock that the test moves: scans
// come at least ten times in what passes.
func clocked(t *testing.T, n int) (r *rig, pass func(time.Duration)) {
	r = newRig(t)
	pass = r.clocked()
	for i := range n {
		r.write(fmt.Sprintf("t%03d.hcl", i), `v = 1`)
	}
	r.load()
	return r, pass
}

// clocked has the rig's follower go by the usual times, on a clock that the test moves.
func (r *rig) clocked() (pass func(time.Duration)) {
	r.o.timing = usual
	now := time.Now()
	r.now = func() time.Time { return now }
	return func(d time.Duration) {
		step := max(100*time.Millisecond, d/10)
		for end := now.Add(d); now.Before(end); {
			now = now.Add(min(step, end.Sub(now)))
			r.scan(context.Background())
		}
	}
}

func (r *rig) remove(i int) {
	r.Helper()
	if err := os.Remove(filepath.Join(r.dir, fmt.Sprintf("t%03d.hcl", i))); err != nil {
		r.Fatal(err)
	}
}

// Removing many files takes a while, and none of their tenants may be gone before
// it is known how many go.
func TestASlowMassRemovalIsHeld(t *testing.T) {
	for _, tt := range []struct {
		tenants, removed int
		lasts            time.Duration
	}{
		{400, 400, 4 * time.Second},
		{100, 100, 40 * time.Second},
		{100, 11, 10 * time.Second},
		{20, 3, 2 * time.Second},
		{2, 2, time.Second},
	} {
		t.Run(fmt.Sprintf("%d of %d in %s", tt.removed, tt.tenants, tt.lasts), func(t *testing.T) {
			r, pass := clocked(t, tt.tenants)
			for i := range tt.removed {
				r.remove(i)
				pass(tt.lasts / time.Duration(tt.removed))
			}
			pass(15 * time.Second)
			if len(r.served) != tt.tenants {
				t.Errorf("%d tenants were dropped unconfirmed", tt.tenants-len(r.served))
			}
			if held, _ := r.Held(); len(held) != tt.removed {
				t.Errorf("%d tenants are held", len(held))
			}
			_, err := r.get("t000")
			var why *HeldError
			if !errors.As(err, &why) || why.Total != tt.tenants {
				t.Errorf("it is told as %v", err)
			}
			if ids := r.ConfirmRemoved(); len(ids) != tt.removed || len(r.served) != tt.tenants-tt.removed {
				t.Errorf("%d are confirmed, and %d served", len(ids), len(r.served))
			}
		})
	}
}

func TestFewThatVanishAreDropped(t *testing.T) {
	r, pass := clocked(t, 100)
	served := func(want int, when string) {
		t.Helper()
		if held, _ := r.Held(); len(r.served) != want || len(held) != 0 {
			t.Fatalf("%s: %d are served and %v held", when, len(r.served), held)
		}
	}
	for i := range 10 {
		r.remove(i)
	}
	pass(900 * time.Millisecond)
	served(100, "before a second has passed")
	pass(300 * time.Millisecond)
	served(90, "a tenth")
	// Those count for ten seconds.
	pass(together)
	for i := range 9 {
		r.remove(10 + i)
		pass(together / 9)
	}
	pass(time.Second)
	served(81, "one after the other")
}

func TestOneAloneIsAlwaysDropped(t *testing.T) {
	r, pass := clocked(t, 3)
	for i := range 3 {
		r.remove(i)
		pass(1200 * time.Millisecond)
		if len(r.served) != 2-i {
			t.Fatalf("%d are served after %d went", len(r.served), i+1)
		}
		pass(together)
	}
}

// Those that were dropped a moment ago, and those that are held, went at once with
// the next.
func TestWhatWentBeforeCounts(t *testing.T) {
	r, pass := clocked(t, 5)
	state := func(when string, served int, held string) {
		t.Helper()
		ids, _ := r.Held()
		if now := strings.Join(ids, " "); len(r.served) != served || now != held {
			t.Fatalf("%s: %d are served, %q held", when, len(r.served), now)
		}
	}
	r.remove(0)
	pass(1500 * time.Millisecond)
	r.remove(1)
	pass(1500 * time.Millisecond)
	state("two by hand", 3, "")
	r.remove(2)
	pass(1500 * time.Millisecond)
	state("a third", 3, "t002")
	pass(time.Minute)
	r.remove(3)
	pass(1500 * time.Millisecond)
	state("one more while one is held", 3, "t002 t003")
	r.ConfirmRemoved()
	r.remove(4)
	pass(1500 * time.Millisecond)
	state("one after those were confirmed", 0, "")
}
