package archive

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Store is a storage that was opened for one tenant. Whoever opened it closes it.
type Store struct {
	storage.Storage
	Importer storage.Importer // nil: it takes no turns that ended elsewhere
	Owners   bool             // it tells whose turns are whose
	Close    func()
}

// tells refuses to deal with what is one user's in a storage that does not know it.
func (s *Store) tells(user string) error {
	if user == "" || s.Owners {
		return nil
	}
	return fault.New(fault.Invalid, "its plugin does not tell whose turns are whose: update it").By(fault.PartyHost)
}

// Options are what an Archive is made with.
type Options struct {
	Registry *registry.Registry
	// Open opens a storage that the tenant was written to.
	Open func(ctx context.Context, tenant string, b config.SealedBlock) (*Store, error)
	// Memory opens the memory that the tenant's settings name, until done is called.
	Memory func(ctx context.Context, e *config.Effective) (m memory.Memory, done func(), err error)
	// MayRetain says cheaply whether a tenant with those documents can have
	// conversations that are kept for a time only.
	MayRetain func(docs config.Documents) bool
	// RetainEvery is the time between two looks for what is too old; 0 is an hour. The
	// first is a minute after the start, if that is sooner.
	RetainEvery time.Duration
	Log         hclog.Logger

	timing timing
}

// timing is what tests shorten.
type timing struct {
	retryFor   time.Duration // how long a storage that does not answer is asked again
	linger     time.Duration // after which no host writes under a life that ended
	first      time.Duration // to the first look for what is too old, and half as much by chance
	every      time.Duration // between two, a tenth more or less
	slice      time.Duration // of a visit of retention, after which others have their turn
	restFactor int           // how much longer than a call the rest after it is
	now        func() time.Time
}

var usual = timing{
	retryFor: 10 * time.Second, linger: 2 * time.Second,
	first: time.Minute, every: time.Hour, restFactor: 3, now: time.Now, slice: bounds.RetainSlice,
}

// Archive is used concurrently.
type Archive struct {
	o    Options
	mu   sync.Mutex
	busy map[string]bool // tenants that are being erased or purged

	large *quota.Pool // lines of imports that are long
}

// largeLine waits for leave to hold a line of an import that is long, until done is called.
func (a *Archive) largeLine(ctx context.Context) (done func(), err error) {
	share, err := a.large.Take(ctx, "", 1)
	if err != nil {
		return nil, notOfALine{err}
	}
	return share.Release, nil
}

// New makes an Archive.
func New(o Options) *Archive {
	if o.timing.now == nil {
		o.timing = usual
	}
	if o.RetainEvery > 0 {
		o.timing.every, o.timing.first = o.RetainEvery, min(o.timing.first, o.RetainEvery)
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.MayRetain == nil {
		o.MayRetain = func(config.Documents) bool { return true }
	}
	return &Archive{o: o, busy: map[string]bool{}, large: quota.NewPool("long lines of imports", func() quota.Bounds {
		return quota.Bounds{Each: bounds.ImportLongLines, All: bounds.ImportLongLines, WaitingEach: int(bounds.ImportSlots.All), WaitingAll: int(bounds.ImportSlots.All), Wait: bounds.ImportLineWait}
	})}
}

// alone keeps a second deletion of a tenant out, until leave is called.
func (a *Archive) alone(id string) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy[id] {
		return nil, fault.New(fault.Conflict, "tenant %q is being erased or purged", id).At("tenant").After(time.Second)
	}
	a.busy[id] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.busy, id)
	}, nil
}
