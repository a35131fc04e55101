package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// checkCounts checks the result of Counts against the tenants in the tenantTable.
func checkCounts(t testing.TB, r *Registry) {
	t.Helper()
	got := r.Counts()
	r.mu.Lock()
	defer r.mu.Unlock()
	want := Counts{Tenants: len(r.tenants), Unavailable: r.cache.FailuresLocked(), CachedBots: r.cache.LenLocked()}
	for _, tn := range r.tenants {
		if tn.err != nil {
			want.Invalid++
		}
	}
	if got != want {
		t.Errorf("counted %+v, there are %+v", got, want)
	}
}

// TestRegistry_Counts checks that the counts are right after any sequence of puts, refusals and
// removals.
func TestRegistry_Counts(t *testing.T) {
	y := &builder{}
	r := y.open(t, time.Minute, 10)
	ctx, bad := context.Background(), errors.New("bad")
	seen := map[int]bool{}
	for n := range 2000 {
		id, file := fmt.Sprint("t", rand.IntN(6)), fmt.Sprint("/f", rand.IntN(2))
		switch rand.IntN(6) {
		case 0:
			_, _ = r.Put(ctx, id, doc("v", n), PutOptions{})
		case 1:
			_, _ = r.Put(ctx, id, doc("v", n), PutOptions{Source: file})
		case 2, 3:
			r.RefuseFile(id, file, bad)
		case 4:
			_ = r.Remove(ctx, id, "")
		case 5:
			r.DropFile(id, file)
		}
		checkCounts(t, r)
		seen[r.Counts().Invalid] = true
	}
	if len(seen) < 3 {
		t.Errorf("there were never more than %d invalid tenants", len(seen))
	}
}
