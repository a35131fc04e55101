package bot

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// RenewEvery is the time between two renewals, a third of Lease, so that two may
// fail.
const RenewEvery = 3 * time.Second

// Leases renews what this host holds, one call for each storage instance while
// turns run on it. Close it after the last turn.
type Leases struct {
	holder string
	log    hclog.Logger

	mu      sync.Mutex
	keepers map[string]*keeper
	running sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context
}

type keeper struct {
	turns int
	end   context.CancelFunc
}

// NewLeases makes a Leases for the holder, this run of the host.
func NewLeases(holder string, log hclog.Logger) *Leases {
	ctx, stop := context.WithCancel(context.Background())
	return &Leases{holder: holder, log: log, keepers: map[string]*keeper{}, ctx: ctx, stop: stop}
}

// Hold keeps the leases of the storage instance renewed until free is called. r may
// be nil: that storage needs no renewing.
func (l *Leases) Hold(instance string, r storage.Renewer) (free func()) {
	if r == nil {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.keepers[instance]
	if !ok {
		ctx, end := context.WithCancel(l.ctx)
		k = &keeper{end: end}
		l.keepers[instance] = k
		l.running.Go(func() { l.keep(ctx, instance, r) })
	}
	k.turns++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		k.turns--
	})
}

// keep renews every RenewEvery, and ends when no turn ran for that long.
func (l *Leases) keep(ctx context.Context, instance string, r storage.Renewer) {
	tick := time.NewTicker(RenewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		k := l.keepers[instance]
		if k.turns == 0 {
			delete(l.keepers, instance)
			k.end()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		call, cancel := context.WithTimeout(ctx, RenewEvery)
		if err := r.Renew(call, l.holder, Lease); err != nil && ctx.Err() == nil {
			l.log.Warn("leases could not be renewed", "instance", instance, "error", err)
		}
		cancel()
	}
}

// Close ends the renewing and waits for it.
func (l *Leases) Close() {
	l.stop()
	l.running.Wait()
}
