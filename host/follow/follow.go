package follow

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Source is what the host follows of a tenant.
type Source struct {
	Call     sdk.Call // tenant and incarnation
	Storage  storage.Storage
	Cursors  storage.CursorStore
	Memory   memory.Memory // a memory.Rememberer and a memory.Forgetter, and possibly a memory.Worker
	StoreKey string        // of the memory
}

// Options are the settings of a Follower.
type Options struct {
	// Open opens what is followed of a tenant. The follower calls release when it no longer needs the
	// source. A nil source means that there is nothing to follow.
	Open func(ctx context.Context, tenant string) (source *Source, release func(), err error)
	// Tenants calls visit for each tenant that may have something to follow.
	Tenants func(ctx context.Context, visit func(tenant string) error) error
	// Holder is unique to this run of the host. The names under which the follower holds cursors begin
	// with it.
	Holder string
	// SweepEvery is the time between two sweeps. 0 means ten minutes. The first sweep comes after a
	// tenth of it.
	SweepEvery time.Duration
	Log        hclog.Logger

	lease time.Duration // 0 stands for Lease; tests shorten it
}

// Lease is how long a host holds a cursor that it has claimed. A step ends long before, unless a
// plugin hangs.
const Lease = time.Minute

const (
	defaultSweep = 10 * time.Minute
	// firstBackoff and longestBackoff bound the pause after a failed step. Each further failure
	// doubles the pause.
	firstBackoff   = time.Second
	longestBackoff = time.Minute
	// heldPause is how long a tenant pauses whose conversations are all claimed by other hosts, one of
	// which may be dead.
	heldPause = Lease / 4
)

// Follower follows the conversations of tenants. It is safe for concurrent use. Run does its work.
type Follower struct {
	o     Options
	queue *queue

	remembered, forgotten, failed atomic.Int64
}

// New returns a Follower. It starts no goroutine.
func New(o Options) *Follower {
	if o.SweepEvery == 0 {
		o.SweepEvery = defaultSweep
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.lease == 0 {
		o.lease = Lease
	}
	return &Follower{o: o, queue: newQueue()}
}

// Touch tells the follower that something happened in a conversation of the tenant. It never waits.
func (f *Follower) Touch(tenant string) { f.queue.add(tenant) }

// Stats says what a Follower has done since its start.
type Stats struct {
	Remembered int64 // turns that a memory has remembered
	Forgotten  int64 // conversations, users of a conversation, and tenants that a memory has forgotten
	Failed     int64 // steps that failed
	Waiting    int   // tenants that wait for a step
}

// Stats returns what the follower has done.
func (f *Follower) Stats() Stats {
	return Stats{Remembered: f.remembered.Load(), Forgotten: f.forgotten.Load(), Failed: f.failed.Load(), Waiting: f.queue.waiting()}
}

// Run follows conversations until ctx ends. It returns after its last step has ended.
func (f *Follower) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, f.queue.stop)
	defer stop()
	var all sync.WaitGroup
	for range bounds.FollowAtOnce {
		all.Go(func() { f.work(ctx) })
	}
	all.Go(func() { f.sweep(ctx) })
	all.Wait()
}

// work does one step after another.
func (f *Follower) work(ctx context.Context) {
	for {
		tenant, ok := f.queue.take()
		if !ok {
			return
		}
		next, err := f.step(ctx, tenant)
		if err != nil && ctx.Err() == nil {
			f.failed.Add(1)
			f.o.Log.Warn("a memory could not follow its tenant's conversations; it is tried again", "tenant", tenant, "error", err)
		}
		f.queue.finish(tenant, next, err != nil)
	}
}

// sweep queues all tenants that may have something to follow, again and again. It waits while many
// tenants are queued, so that the sweep of many tenants takes little of the host.
func (f *Follower) sweep(ctx context.Context) {
	wait := f.o.SweepEvery/10 + rand.N(f.o.SweepEvery/20+1)
	for sleep(ctx, wait) == nil {
		err := f.o.Tenants(ctx, func(tenant string) error {
			if err := f.queue.awaitRoom(ctx, bounds.FollowSwept); err != nil {
				return err
			}
			f.queue.add(tenant)
			return nil
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			f.o.Log.Warn("the tenants whose memories follow conversations could not be listed; it is tried again", "error", err)
		}
		wait = f.o.SweepEvery*9/10 + rand.N(f.o.SweepEvery/5+1)
	}
}

// sleep waits for the duration. It returns the cause if ctx ends earlier.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
