package archive

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
	"github.com/hashicorp/go-hclog"
)

// Options are the settings of an Archive.
type Options struct {
	Registry *registry.Registry
	// OpenStorage opens a storage that the tenant's conversations were written to. The
	// archive closes it.
	OpenStorage func(ctx context.Context, tenant string, b config.SealedBlock) (*OpenedStorage, error)
	// OpenMemory opens the memory that the tenant's configuration names. The archive closes it.
	OpenMemory func(ctx context.Context, e *config.Effective) (*Memory, error)
	// MayRetain reports whether a tenant with these documents may have retention_days. It must
	// be cheap. It may report true for a tenant without retention_days, but never false for a
	// tenant with retention_days. A nil MayRetain stands for a function that reports true.
	MayRetain func(docs config.Documents) bool
	// RetainEvery is the time between two passes of retention; 0 means an hour. The first pass
	// comes after a minute, or after RetainEvery if RetainEvery is shorter than a minute.
	RetainEvery time.Duration
	// Log gets the log lines of the archive. Nil means that the archive logs nothing.
	Log hclog.Logger

	timing timing // the zero value stands for defaultTiming
}

// timing holds the durations that tests shorten.
type timing struct {
	retryFor   time.Duration // how long retry repeats a failing call
	lateWrites time.Duration // how long a host may still write under an incarnation after its end
	// the time from the start of Run to the first pass of retention; Run adds up to a half at
	// random
	firstRetention time.Duration
	// the time between two passes of retention; Run adds or takes off up to a tenth at random
	retainEvery time.Duration
	visit       time.Duration    // how long retention works on one tenant before it goes on to the next tenant
	throttle    int              // retention pauses after each call for this many times the duration of the call
	now         func() time.Time // the clock for stored times and for the age of conversations
}

var defaultTiming = timing{
	retryFor: 10 * time.Second, lateWrites: 2 * time.Second,
	firstRetention: time.Minute, retainEvery: time.Hour, visit: bounds.RetainSlice, throttle: 3, now: time.Now,
}

// Archive exports, imports, erases and purges tenants, and deletes conversations that are older
// than their tenant's retention_days. It is safe for concurrent use, and it needs no closing.
type Archive struct {
	o Options

	mu     sync.Mutex
	locked map[string]bool // tenants that are being erased or purged, which lockTenant locks

	longLines *fairshare.Pool // bounds the long lines that all imports hold in memory at once
}

// New returns an Archive. New starts no goroutine; [Archive.Run] makes the passes of retention.
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
