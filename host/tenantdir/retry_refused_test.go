package tenantdir

import (
	"context"
	"sync"
	"testing"
)

// TestRetryRefused checks that refused files are applied again after RetryRefused, although the
// files did not change.
func TestRetryRefused(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `w = 1`)
	r.write("b.hcl", `v = 1`)
	r.load()
	if _, err := r.get("a"); err == nil {
		t.Fatal("a file without v was applied")
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	defer wg.Wait()
	defer stop()
	r.inherit("2")
	r.RetryRefused()
	r.RetryRefused() // the second call must not cause another application
	r.eventually("the file applies as it is", r.serves("a", "2"))
	if r.applied != 2 {
		t.Errorf("applied %d times: a file that was good was read again", r.applied)
	}
}
