package admission

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// TestBackgroundSlots_bounded checks that a call waits while its tenant, or all tenants
// together, have as many background calls as the bounds allow.
//
// beyond: calls in the background
func TestBackgroundSlots_bounded(t *testing.T) {
	slots := NewBackgroundSlots()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var releases []func()
	acquire := func(tenant string) bool {
		t.Helper()
		short, end := context.WithTimeout(ctx, 20*time.Millisecond)
		defer end()
		release, err := slots.Acquire(short, tenant)
		if err == nil {
			releases = append(releases, release)
		}
		return err == nil
	}
	for n := range bounds.BackgroundCalls + 3 {
		if got := acquire("many"); got != (n < bounds.BackgroundCalls) {
			t.Fatalf("call %d of the tenant: Acquire succeeds: %t", n, got)
		}
	}
	for n := len(releases); n < bounds.BackgroundCallsOfAll; n++ {
		if !acquire(strconv.Itoa(n)) {
			t.Fatalf("call %d of all tenants waits", n)
		}
	}
	if acquire("last") {
		t.Error("more calls run than all tenants together may make")
	}
	for _, release := range releases {
		release()
	}
	releases = nil
	if !acquire("last") {
		t.Error("a call waits while slots are free")
	}
	releases[0]()
	if n := len(slots.tenants); n != 0 {
		t.Errorf("slots of %d tenants are stored, want 0", n)
	}
}
