package bot

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

const (
	// Lease is how long a conversation stays reserved after its host has stopped renewing.
	Lease = 10 * time.Second
	// RenewEvery is the time between two renewals of a lease. It is less than a third of Lease,
	// so that two renewals in a row may fail.
	RenewEvery = 3 * time.Second
)

// Leases renews the leases of the turns that run on this host. Every RenewEvery it calls each
// storage instance once for up to storage.MaxRenewal leases. It is safe for concurrent use.
// Close it after the last turn.
type Leases struct {
	log    hclog.Logger
	failed atomic.Int64 // number of failed renewals

	mu         sync.Mutex
	instances  map[string]*leasedInstance // the storage instances on which turns run, by instance id
	goroutines sync.WaitGroup             // one goroutine for each storage instance
	ctx        context.Context            // context of the goroutines; Close cancels it
	stop       context.CancelFunc
}

// leasedInstance is a storage instance on which turns of this host run.
type leasedInstance struct {
	// renewers maps each turn's holder to the Renewer of the turn's bot. Any Renewer can renew
	// all leases of the instance. A Renewer works only until its turn ends, because the host
	// may release the bot afterwards.
	renewers map[string]storage.Renewer
	stop     context.CancelFunc
}

// NewLeases returns a Leases that renews no leases yet.
func NewLeases(log hclog.Logger) *Leases {
	ctx, stop := context.WithCancel(context.Background())
	return &Leases{log: log, instances: map[string]*leasedInstance{}, ctx: ctx, stop: stop}
}

// Hold renews the lease of one turn in the storage instance until release is called. The holder
// is unique to the turn. r must work until release is called, and must be able to renew the
// leases of all holders in the instance. If r is nil, Hold does nothing.
func (l *Leases) Hold(instance string, r storage.Renewer, holder string) (release func()) {
	if r == nil {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.instances[instance]
	if !ok {
		ctx, stop := context.WithCancel(l.ctx)
		i = &leasedInstance{renewers: map[string]storage.Renewer{}, stop: stop}
		l.instances[instance] = i
		l.goroutines.Go(func() { l.run(ctx, instance) })
	}
	i.renewers[holder] = r
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(i.renewers, holder)
	}
}

// run renews the instance's leases every RenewEvery. It returns when ctx ends, or when a round
// finds that no turn runs on the instance.
func (l *Leases) run(ctx context.Context, instance string) {
	tick := time.NewTicker(RenewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		i := l.instances[instance]
		holders := slices.Collect(maps.Keys(i.renewers))
		if len(holders) == 0 {
			delete(l.instances, instance)
			i.stop()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for chunk := range slices.Chunk(holders, storage.MaxRenewal) {
			l.renew(ctx, instance, i, chunk)
		}
	}
}

// renew renews the leases of the given holders whose turns still run. It uses the first such
// holder's Renewer. If the call fails and the first holder's turn has ended meanwhile, the
// cause may be that the host released the turn's bot. Then renew tries again with the next
// holder's Renewer.
func (l *Leases) renew(ctx context.Context, instance string, i *leasedInstance, holders []string) {
	for {
		l.mu.Lock()
		holders = slices.DeleteFunc(holders, func(holder string) bool { _, runs := i.renewers[holder]; return !runs })
		if len(holders) == 0 {
			l.mu.Unlock()
			return
		}
		first := holders[0]
		r := i.renewers[first]
		l.mu.Unlock()
		call, cancel := context.WithTimeout(ctx, RenewEvery)
		err := r.Renew(call, slices.Clone(holders), Lease)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		_, runs := i.renewers[first]
		l.mu.Unlock()
		if runs {
			l.failed.Add(1)
			l.log.Warn("leases could not be renewed", "instance", instance, "turns", len(holders), "error", err)
			return
		}
	}
}

// Failures returns how many renewals have failed. One renewal is a call for up to
// storage.MaxRenewal leases.
func (l *Leases) Failures() int64 { return l.failed.Load() }

// Close stops all renewals and waits for the goroutines of Leases.
func (l *Leases) Close() {
	l.stop()
	l.goroutines.Wait()
}
