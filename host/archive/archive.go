package archive

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/hashicorp/go-hclog"
)

// Options are the settings of an Archive.
type Options struct {
	Registry *registry.Registry
	// OpenStorage opens a storage that the tenant's conversations were written to. The
	// archive closes it.
	OpenStorage func(ctx context.Context, tenant string, b config.SealedBlock) (*OpenedStorage, error)
	// OpenMemory opens the memory that the tenant's configuration names. The archive calls
	// done when it no longer needs it.
	OpenMemory func(ctx context.Context, e *config.Effective) (m memory.Memory, done func(), err error)
	// MayRetain reports whether a tenant with these documents may have retention_days. It
	// must be cheap, and it may be wrong only by reporting true. Nil reports true.
	MayRetain func(docs config.Documents) bool
	// RetainEvery is the time between two passes of retention; 0 means an hour. The first
	// pass comes after a minute, or after RetainEvery if that is shorter.
	RetainEvery time.Duration
	// Log is nil for no log.
	Log hclog.Logger

	timing timing // the zero value means defaultTiming
}

// timing holds the durations that tests shorten.
type timing struct {
	retryFor       time.Duration    // how long a failing call is repeated; see retry
	lateWrites     time.Duration    // how long a host may go on writing under an incarnation that has ended
	firstRetention time.Duration    // from the start to the first pass of retention; up to a half is added at random
	retainEvery    time.Duration    // between two passes of retention; a tenth is added or taken off at random
	visit          time.Duration    // how long retention stays with one tenant before others have their turn
	throttle       int              // retention waits this many times as long as its last call took
	now            func() time.Time // the clock for what is stored and for what is old
}

var defaultTiming = timing{
	retryFor: 10 * time.Second, lateWrites: 2 * time.Second,
	firstRetention: time.Minute, retainEvery: time.Hour, visit: bounds.RetainSlice, throttle: 3, now: time.Now,
}

// Archive exports, imports, erases, purges and retains. It is safe for concurrent use, and
// it needs no closing.
type Archive struct {
	o Options

	mu     sync.Mutex
	locked map[string]bool // tenants that are being erased or purged; see lockTenant

	longLines *fairshare.Pool // bounds the long lines that all imports hold in memory at once
}

// New returns an Archive. It starts nothing; see [Archive.Run] for retention.
func New(o Options) *Archive {
	if o.timing.now == nil {
		o.timing = defaultTiming
	}
	if o.RetainEvery > 0 {
		o.timing.retainEvery, o.timing.firstRetention = o.RetainEvery, min(o.timing.firstRetention, o.RetainEvery)
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.MayRetain == nil {
		o.MayRetain = func(config.Documents) bool { return true }
	}
	return &Archive{o: o, locked: map[string]bool{}, longLines: newLongLines()}
}
