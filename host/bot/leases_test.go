package bot

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// logRenewer is a Renewer that records the holders of each call.
type logRenewer struct {
	mu    sync.Mutex
	calls [][]string
	err   error
}

func (c *logRenewer) Renew(_ context.Context, holders []string, lease time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(holders)
	c.calls = append(c.calls, holders)
	if lease != Lease {
		panic("wrong lease")
	}
	return c.err
}

// took returns the calls since the last call of took.
func (c *logRenewer) took() [][]string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func TestLeases_oneRenewalForAllTurnsOfAStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases(hclog.NewNullLogger())
		defer l.Close()
		r := &logRenewer{}
		releases := map[string]func(){}
		var all []string
		for i := range 50 {
			holder := fmt.Sprintf("run-1.%02d", i)
			all = append(all, holder)
			releases[holder] = l.Hold("i", r, holder)
		}
		time.Sleep(10 * time.Second)
		calls := r.took()
		if len(calls) != 3 {
			t.Errorf("%d renewals in 10 s; want 3", len(calls))
		}
		for _, holders := range calls {
			if !slices.Equal(holders, all) {
				t.Errorf("renewed %q", holders)
			}
		}
		// The lease of an ended turn is not renewed, although another turn runs. A failed
		// renewal does not stop later renewals.
		for _, holder := range all[1:] {
			releases[holder]()
			releases[holder]()
		}
		r.mu.Lock()
		r.err = fault.New(fault.Deadline, "late")
		r.mu.Unlock()
		time.Sleep(10 * time.Second)
		for _, holders := range r.took() {
			if !slices.Equal(holders, all[:1]) {
				t.Errorf("renewed %q; want the one that is at work", holders)
			}
		}
		releases[all[0]]()
		time.Sleep(10 * time.Second)
		if calls := r.took(); len(calls) != 0 {
			t.Errorf("renewed %q without a turn", calls)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.instances) != 0 {
			t.Error("an instance is left")
		}
	})
}

func TestLeases_boundsARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases(hclog.NewNullLogger())
		defer l.Close()
		r := &logRenewer{}
		const turns = 2*storage.MaxRenewal + 1
		for i := range turns {
			l.Hold("i", r, fmt.Sprint(i))
		}
		time.Sleep(RenewEvery)
		seen := map[string]bool{}
		calls := r.took()
		for _, holders := range calls {
			if len(holders) > storage.MaxRenewal {
				t.Errorf("%d holders in a call", len(holders))
			}
			for _, h := range holders {
				seen[h] = true
			}
		}
		if len(calls) != 3 || len(seen) != turns {
			t.Errorf("%d calls for %d of %d turns", len(calls), len(seen), turns)
		}
	})
}

// borrowed is a Renewer that fails after its bot was released.
type borrowed struct {
	*logRenewer
	returned atomic.Bool
	last     func() // called once, in the next call of Renew
}

func (b *borrowed) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if last := b.last; last != nil {
		b.last = nil
		last()
	}
	if b.returned.Load() {
		return fault.New(fault.Internal, "the instance was given back")
	}
	return b.logRenewer.Renew(ctx, holders, lease)
}

// TestLeases_outliveTheBotThatCameFirst checks turns of two bots on one storage instance, as
// there are after a reload. When the first bot is released, the lease of the second bot's turn
// is still renewed.
func TestLeases_outliveTheBotThatCameFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := NewLeases(hclog.New(&hclog.LoggerOptions{Output: &log}))
		defer l.Close()
		old, next := &borrowed{logRenewer: &logRenewer{}}, &borrowed{logRenewer: &logRenewer{}}
		releaseOld := l.Hold("i", old, "old")
		releaseNext := l.Hold("i", next, "next")
		releaseOld()
		old.returned.Store(true)
		time.Sleep(10 * time.Second)
		if calls := next.took(); len(calls) != 3 || !slices.Equal(calls[0], []string{"next"}) {
			t.Errorf("renewed %q in 10 s; want the turn that is at work 3 times", calls)
		}

		// A bot is released while Leases calls its Renewer.
		for i := range 20 {
			gone := &borrowed{logRenewer: &logRenewer{}}
			held := make(chan func(), 1)
			gone.last = func() {
				release := <-held
				held <- release
				release()
				gone.returned.Store(true)
			}
			release := l.Hold("i", gone, fmt.Sprint(i))
			held <- release
			time.Sleep(RenewEvery)
			if calls := append(next.took(), gone.took()...); len(calls) != 1 || !slices.Contains(calls[0], "next") {
				t.Fatalf("renewed %q in one round", calls)
			}
			release()
		}
		releaseNext()
		l.Close()
		if log.Len() > 0 {
			t.Errorf("a renewal failed: %s", &log)
		}
	})
}

// stuckRenewer is a Renewer whose calls return only when their context ends.
type stuckRenewer struct{ asked atomic.Int64 }

func (s *stuckRenewer) Renew(ctx context.Context, _ []string, _ time.Duration) error {
	s.asked.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

// TestLeases_storagesDoNotWaitForEachOther checks that the leases in one storage are renewed in
// time while other storages hang, and that the hanging storages are called again in each round.
func TestLeases_storagesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLeases(hclog.NewNullLogger())
		defer l.Close()
		stuck, well := &stuckRenewer{}, &logRenewer{}
		for i := range 20 {
			defer l.Hold(fmt.Sprint("stuck", i), stuck, fmt.Sprint("run-1.stuck", i))()
		}
		defer l.Hold("well", well, "run-1.well")()
		const rounds = 10
		time.Sleep(rounds*RenewEvery + RenewEvery/2)
		if calls := well.took(); len(calls) != rounds {
			t.Errorf("%d renewals; want %d", len(calls), rounds)
		}
		if n := stuck.asked.Load(); n < 20*rounds/3 || n > 20*rounds {
			t.Errorf("those that hang were asked %d times", n)
		}
	})
}
