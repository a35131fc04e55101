package bot

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

type countRenewer struct {
	calls  atomic.Int32
	holder atomic.Value
}

func (c *countRenewer) Renew(_ context.Context, holder string, lease time.Duration) error {
	c.calls.Add(1)
	c.holder.Store(holder)
	if lease != Lease {
		panic("wrong lease")
	}
	return nil
}

func TestOneRenewalForAllTurnsOfAStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases("run-1", hclog.NewNullLogger())
		defer l.Close()
		r := &countRenewer{}
		var frees []func()
		for range 50 {
			frees = append(frees, l.Hold("i", r))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := r.calls.Load(); got != 3 {
			t.Errorf("%d renewals in 10 s; want 3", got)
		}
		if r.holder.Load() != "run-1" {
			t.Error("wrong holder")
		}
		for _, free := range frees {
			free()
			free() // counts once
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := r.calls.Load(); got != 3 {
			t.Errorf("renewed %d times without a turn", got-3)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.keepers) != 0 {
			t.Error("a keeper is left")
		}
	})
}
