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

// TestRemoval_slow checks a removal of many files that takes a while. No tenant may be dropped
// before it is known how many files are removed.
func TestRemoval_slow(t *testing.T) {
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

func TestRemoval_fewAreDropped(t *testing.T) {
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
	// The ten dropped tenants count as removed for massRemovalWindow, which is ten seconds.
	pass(massRemovalWindow)
	for i := range 9 {
		r.remove(10 + i)
		pass(massRemovalWindow / 9)
	}
	pass(time.Second)
	served(81, "one after the other")
}

func TestRemoval_oneAloneIsDropped(t *testing.T) {
	r, pass := clocked(t, 3)
	for i := range 3 {
		r.remove(i)
		pass(1200 * time.Millisecond)
		if len(r.served) != 2-i {
			t.Fatalf("%d are served after %d went", len(r.served), i+1)
		}
		pass(massRemovalWindow)
	}
}

// TestRemoval_earlierOnesCount checks that recently dropped tenants and held tenants count
// together with the next missing tenants.
func TestRemoval_earlierOnesCount(t *testing.T) {
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

func TestRemoval_manyAtOnceAreHeld(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted ", restarted), func(t *testing.T) {
			r := newRig(t)
			for i := range 20 {
				r.write(fmt.Sprintf("t%d.hcl", i), `v = 1`)
			}
			r.load()
			for i := range 3 {
				if err := os.Remove(filepath.Join(r.dir, fmt.Sprintf("t%d.hcl", i))); err != nil {
					t.Fatal(err)
				}
			}
			if restarted {
				r.restart()
				r.load()
			}
			ctx := context.Background()
			r.eventually("it is noted", func() bool { r.scan(ctx); _, err := r.get("t0"); return err != nil })
			if len(r.served) != 20 {
				t.Fatalf("%d tenants are served", len(r.served))
			}
			r.write("t1.hcl", `v = 7`) // the file of one held tenant is back
			r.eventually("it applies", func() bool { r.scan(ctx); return r.serves("t1", "7")() })
			if ids := r.ConfirmRemoved(); fmt.Sprint(ids) != "[t0 t2]" {
				t.Errorf("confirmed %v", ids)
			}
			if len(r.served) != 18 {
				t.Errorf("%d tenants are served", len(r.served))
			}
			r.restart()
			r.load()
			if len(r.served) != 18 {
				t.Errorf("%d tenants are served after a restart", len(r.served))
			}
		})
	}
}

// TestRemoval_manyRenamed checks that no tenant is held when many files are renamed at once,
// although some of the renamed files are invalid.
func TestRemoval_manyRenamed(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted ", restarted), func(t *testing.T) {
			r, pass := clocked(t, 30)
			for i := range 30 {
				r.remove(i)
				text := "v: 2\n"
				if i%2 == 0 {
					text = "v: ["
				}
				r.write(fmt.Sprintf("t%03d.yaml", i), text)
			}
			if restarted {
				r.restart()
				pass = r.clocked()
				r.load()
			}
			pass(20 * time.Second)
			if held, _ := r.Held(); len(held) != 0 || len(r.served) != 30 || len(r.drops) != 0 {
				t.Fatalf("restarted %v: held %v, dropped %v, %d served", restarted, held, r.drops, len(r.served))
			}
			for i := range 30 {
				want := []string{"1", "2"}[i%2]
				if v, err := r.get(fmt.Sprintf("t%03d", i)); v != want || (err != nil) != (want == "1") {
					t.Errorf("restarted %v: t%03d is served %q: %v", restarted, i, v, err)
				}
			}
		})
	}
}

// TestRemoval_neverServed checks that missing tenants that were never served do not delay the
// removal of other tenants, and do not count in the numbers of missing and of all tenants.
func TestRemoval_neverServed(t *testing.T) {
	r, pass := clocked(t, 10)
	for i := range 30 {
		r.write(fmt.Sprintf("bad%d.hcl", i), "w = 1")
	}
	pass(time.Second)
	for i := range 30 {
		must(t, os.Remove(r.in(fmt.Sprintf("bad%d.hcl", i))))
	}
	r.remove(0) // the only missing tenant that counts
	pass(1500 * time.Millisecond)
	if held, _ := r.Held(); len(held) != 0 || len(r.served) != 9 || len(r.refused) != 0 {
		t.Fatalf("held %v, %d served, refused %v", held, len(r.served), r.refused)
	}
	// Tenants that were never served do not raise the total, so four missing tenants are too
	// many.
	pass(2 * massRemovalWindow)
	for i := range 90 {
		r.write(fmt.Sprintf("bad%d.hcl", i), "w = 1")
	}
	pass(time.Second)
	for i := range 4 {
		r.remove(i + 1)
	}
	pass(3 * time.Second)
	held, _ := r.Held()
	_, err := r.get("t001")
	if len(held) != 4 || err == nil || !strings.Contains(err.Error(), "4 of 9") {
		t.Errorf("held %v for %v", held, err)
	}
}
