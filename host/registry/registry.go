package registry

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/poll"
	"github.com/botyard/botyard/host/registry/botcache"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Built is a bot and what frees its parts.
type Built = botcache.Built

// Lease is a bot in use. Release it when its turn has ended.
type Lease = botcache.Lease

// BuildRequest says whose bot is wanted.
type BuildRequest struct {
	Effective   *config.Effective
	Admission   *bot.Admission // the tenant's, for all its revisions
	Incarnation string         // the tenant's present one; empty when it is not tracked
}

// Options are what a Registry is made with.
type Options struct {
	TTL  time.Duration // how long a bot is served from the cache
	Size int           // how many bots are cached at most
	// Check validates a tenant's settings; its errors are config.Problems.
	Check Check
	// Build assembles the tenant's bot. It is called without any lock held.
	Build func(ctx context.Context, req BuildRequest) (Built, error)
	// Missing returns which secret that the settings refer to is not there now; nil if none
	// is missing. It may read files. It may be nil.
	Missing func(e *config.Effective) error
	// Store keeps what is registered over the API. If it is nil, the Registry keeps that in
	// memory, as long as it lives.
	Store *tenantstore.Store
	// Storage returns the stored form of the storage of a tenant's conversations. It is needed
	// with a Store.
	Storage func(e *config.Effective) config.SealedBlock
	// Slots bounds how many settings are judged at once. Nil bounds nothing.
	Slots *fairshare.Slots
	// Fingerprint returns a digest of a tenant's documents that is equal on all hosts. If it is
	// nil, only revisions tell the versions of a tenant apart.
	Fingerprint func(docs config.Documents) string
	// BuildTimeout bounds one Build; 0 is 30 seconds.
	BuildTimeout time.Duration
	// StaleEvery is the time between two calls of Built.Stale; 0 is 2 seconds.
	StaleEvery time.Duration
	now        func() time.Time
}

// Registry has the tenants and lends their bots. It is used concurrently.
type Registry struct {
	*tenantTable
	catalog catalog
	cache   *botcache.Cache

	reloading chan struct{} // a semaphore: has a value while Reload is at work
	retry     chan struct{} // has a value when bots that could not be built may be due

	work   sync.WaitGroup // the pollers, and what the catalog reads
	ctx    context.Context
	cancel context.CancelFunc
}

// New returns a Registry. Close it.
func New(o Options) (*Registry, error) {
	if o.now == nil {
		o.now = time.Now
	}
	if o.BuildTimeout == 0 {
		o.BuildTimeout = 30 * time.Second
	}
	if o.StaleEvery == 0 {
		o.StaleEvery = 2 * time.Second
	}
	table := &tenantTable{o: &o, tenants: map[string]*tenant{}, invalid: map[*tenant]struct{}{}}
	cache, err := botcache.New(botcache.Options{
		Lock: &table.mu, TTL: o.TTL, Size: o.Size, BuildTimeout: o.BuildTimeout, Now: func() time.Time { return o.now() },
	})
	if err != nil {
		return nil, err
	}
	table.bots = cache
	r := &Registry{tenantTable: table, cache: cache, reloading: make(chan struct{}, 1), retry: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if o.Store == nil {
		r.catalog = newMemoryCatalog(table)
	} else if r.catalog, err = newPersistedCatalog(r.ctx, table, o.Store, &r.work); err != nil {
		r.cancel()
		return nil, err
	}
	r.work.Go(r.sweep)
	r.work.Go(r.refreshSecrets)
	r.work.Go(r.retryFailed)
	return r, nil
}

// Close empties the cache and waits, until ctx ends, for turns at work. Bots that are still
// in use then are not released. Nothing can be acquired any more.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.cache.ShutLocked()
	r.mu.Unlock()
	r.cancel()
	if err := r.cache.Drain(ctx); err != nil {
		return err
	}
	r.work.Wait()
	return nil
}

// sweep drops what nobody asks for any more, until the Registry is closed.
func (r *Registry) sweep() {
	poll.Every(r.ctx, max(r.o.TTL/2, time.Second), nil, func() {
		now := r.o.now()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cache.ExpireLocked(now)
		r.catalog.unloadLocked(now)
		r.admissions.sweep()
	})
}

// GetOption changes how Acquire looks for a bot.
type GetOption func(*getOptions)

type getOptions struct{ force bool }

// ForceRefresh has the bot built anew, with its secrets read anew, even if it is cached.
func ForceRefresh() GetOption { return func(o *getOptions) { o.force = true } }

// Acquire returns the tenant's bot, from the cache or built. It waits for a build at most.
// The error is fault.NotFound for an unknown tenant, fault.Invalid for one without a valid
// configuration, or that of Options.Build. The caller releases the lease.
func (r *Registry) Acquire(ctx context.Context, id string, options ...GetOption) (*Lease, error) {
	var o getOptions
	for _, set := range options {
		set(&o)
	}
	if err := r.catalog.ensureFresh(ctx, id); err != nil {
		return nil, err
	}
	r.mu.Lock()
	t, err := r.servableLocked(id)
	if err != nil {
		r.mu.Unlock()
		return nil, err
	}
	if o.force {
		r.cache.ForgetLocked(id)
	}
	if lease := r.cache.GetLocked(id); lease != nil {
		r.mu.Unlock()
		return lease, nil
	}
	build := r.buildLocked(t)
	r.mu.Unlock()
	return build.Wait(ctx)
}

// servableLocked returns a tenant that can be served, or why it is not served.
// Locked: mu is held.
func (r *Registry) servableLocked(id string) (*tenant, error) {
	if r.closed {
		return nil, fault.New(fault.PluginUnavailable, "the host is shutting down").By(fault.PartyHost).After(time.Second)
	}
	t, ok := r.tenants[id]
	if !ok {
		return nil, r.catalog.absenceLocked(id)
	}
	t.used = r.o.now()
	if t.effective == nil {
		// Why is for the operator alone to see: the reason has paths and settings in it.
		return nil, fault.New(fault.Invalid, "tenant %q has no valid configuration; its operator can see why in the list of tenants", id).By(fault.PartyTenant)
	}
	return t, nil
}

// buildLocked joins or begins the build of a tenant's bot. Locked: mu is held.
func (r *Registry) buildLocked(t *tenant) *botcache.Build {
	effective := t.effective
	return r.cache.BuildLocked(t.id, func(ctx context.Context) (Built, error) {
		incarnation, err := r.catalog.noteStorage(ctx, t, effective)
		switch {
		case fault.Is(err, fault.Invalid):
			return Built{}, err
		case err != nil: // that the tenant store does not answer says nothing about the tenant
			return Built{}, &botcache.Inconclusive{Err: err}
		}
		return r.o.Build(ctx, BuildRequest{Effective: effective, Admission: t.admission, Incarnation: incarnation})
	})
}

// WriteTarget is where turns of a tenant are written to.
type WriteTarget struct {
	Incarnation string // id of the tenant's present incarnation; empty if it is not tracked
	Storage     config.SealedBlock
}

// WriteTarget returns where turns of a served tenant are written to. It returns after it is
// noted that this storage is used. The error is fault.NotFound for an unknown tenant, and
// fault.Invalid for one without valid settings.
func (r *Registry) WriteTarget(ctx context.Context, id string) (WriteTarget, error) {
	if err := r.catalog.ensureFresh(ctx, id); err != nil {
		return WriteTarget{}, err
	}
	r.mu.Lock()
	t, err := r.servableLocked(id)
	var effective *config.Effective
	if err == nil {
		effective = t.effective
	}
	r.mu.Unlock()
	if err != nil {
		return WriteTarget{}, err
	}
	incarnation, err := r.catalog.noteStorage(ctx, t, effective)
	if err != nil {
		return WriteTarget{}, err
	}
	return WriteTarget{Incarnation: incarnation, Storage: r.o.Storage(effective)}, nil
}

// StoreChanged is told which tenants the tenant store has changes of; nil is possibly all.
// What is here of them is read again before it is used. It does not wait.
func (r *Registry) StoreChanged(changes []storage.TenantChange) { r.catalog.changed(changes) }

// IDTaken returns why a file may not have the id: who has it, or what it is reserved for. It
// is nil if the id is free or is a file's already, and also if the tenant store does not
// answer: then a turn is refused instead.
func (r *Registry) IDTaken(ctx context.Context, id string) error { return r.catalog.idTaken(ctx, id) }

// Slots bounds how many settings are judged at once; nil bounds nothing.
func (r *Registry) Slots() *fairshare.Slots { return r.o.Slots }
