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

// RenewEvery is the time between two renewals, a third of Lease, so that two may
// fail.
const RenewEvery = 3 * time.Second

// Leases renews the leases of the turns that are at work on this host, and of no
// others: a turn that has ended here, however, is nobody's to keep. It makes one call for
// each storage instance while turns run on it, for up to storage.MaxRenewal of them.
// Close it after the last turn.
type Leases struct {
	log    hclog.Logger
	failed atomic.Int64 // renewals

	mu      sync.Mutex
	keepers map[string]*keeper
	running sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context
}

type keeper struct {
	// One for each turn, with the renewer that its bot holds: a bot may be given back with
	// its last turn, and others on the same instance go on.
	holders map[string]storage.Renewer
	end     context.CancelFunc
}

// NewLeases makes a Leases.
func NewLeases(log hclog.Logger) *Leases {
	ctx, stop := context.WithCancel(context.Background())
	return &Leases{log: log, keepers: map[string]*keeper{}, ctx: ctx, stop: stop}
}

// Hold keeps the leases of one turn, which has the holder for itself, renewed in the
// storage instance until free is called. r works until then at least, and renews the
// leases of any holder in the instance; it may be nil: that storage needs no renewing.
func (l *Leases) Hold(instance string, r storage.Renewer, holder string) (free func()) {
	if r == nil {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.keepers[instance]
	if !ok {
		ctx, end := context.WithCancel(l.ctx)
		k = &keeper{holders: map[string]storage.Renewer{}, end: end}
		l.keepers[instance] = k
		l.running.Go(func() { l.keep(ctx, instance) })
	}
	k.holders[holder] = r
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(k.holders, holder)
	}
}

// keep renews every RenewEvery, and ends when no turn ran for that long.
func (l *Leases) keep(ctx context.Context, instance string) {
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
		holders := slices.Collect(maps.Keys(k.holders))
		if len(holders) == 0 {
			delete(l.keepers, instance)
			k.end()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for some := range slices.Chunk(holders, storage.MaxRenewal) {
			l.renew(ctx, instance, k, some)
		}
	}
}

// renew renews the leases of those of the holders that are still at work, with the
// renewer of one of them. Where that one's turn ended meanwhile, and its renewer with it,
// another's is asked.
func (l *Leases) renew(ctx context.Context, instance string, k *keeper, some []string) {
	for {
		l.mu.Lock()
		some = slices.DeleteFunc(some, func(holder string) bool { _, atWork := k.holders[holder]; return !atWork })
		if len(some) == 0 {
			l.mu.Unlock()
			return
		}
		asked := some[0]
		r := k.holders[asked]
		l.mu.Unlock()
		call, cancel := context.WithTimeout(ctx, RenewEvery)
		err := r.Renew(call, slices.Clone(some), Lease)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		_, atWork := k.holders[asked]
		l.mu.Unlock()
		if atWork {
			l.failed.Add(1)
			l.log.Warn("leases could not be renewed", "instance", instance, "turns", len(some), "error", err)
			return
		}
	}
}

// Failures is how many renewals failed so far, each of up to storage.MaxRenewal leases.
func (l *Leases) Failures() int64 { return l.failed.Load() }

// Close ends the renewing and waits for it.
func (l *Leases) Close() {
	l.stop()
	l.running.Wait()
}
