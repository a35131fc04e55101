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

// Built is a bot with the function that frees its parts.
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
	// Missing returns an error that names a missing secret among those that the settings refer
	// to; nil if none is missing. It may read files. It may be nil.
	Missing func(e *config.Effective) error
	// Store keeps the tenants that are registered over the API. If it is nil, the Registry
	// keeps them in memory until it is closed.
	Store *tenantstore.Store
	// Storage returns the stored form of the storage of a tenant's conversations. It is needed
	// with a Store.
	Storage func(e *config.Effective) config.SealedBlock
	// Slots bounds how many settings are checked at once. Nil bounds nothing.
	Slots *fairshare.Slots
	// Fingerprint returns a digest of a tenant's documents that is equal on all hosts. If it is
	// nil, Tenant.Tag is the revision alone.
	Fingerprint func(docs config.Documents) string
	// BuildTimeout bounds one Build; 0 is 30 seconds.
	BuildTimeout time.Duration
	// StaleEvery is the time between two calls of Built.Stale; 0 is 2 seconds.
	StaleEvery time.Duration
	now        func() time.Time
}

// Registry holds the tenants and lends their bots. It is safe for concurrent use.
type Registry struct {
	*tenantTable
	catalog catalog
	cache   *botcache.Cache

	reloading chan struct{} // a semaphore: holds a value while Reload runs
	retry     chan struct{} // holds a value when retryFailed has to look for bots to build again

	work   sync.WaitGroup // the pollers, and the catalog's loads
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

// Close empties the cache and waits, until ctx ends, for running turns. Bots that are still
// in use then are not released. After Close begins, Acquire returns an error.
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

// sweep regularly drops expired bots, unused tenants and idle admissions, until the Registry
// is closed.
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

// ForceRefresh makes Acquire build the bot again, and read its secrets again, even if the bot
// is cached.
func ForceRefresh() GetOption { return func(o *getOptions) { o.force = true } }

// Acquire returns the tenant's bot, from the cache or newly built. It may wait for the tenant
// store and for a build. The error is fault.NotFound for an unknown tenant, fault.Invalid for
// one without a valid configuration, or the error of the store or of Options.Build. The caller
// releases the lease.
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

// servableLocked returns a tenant that can be served, or an error that says why it cannot.
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
		// The message leaves the reason out: it has paths and settings in it, which only the
		// operator may see.
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
		case err != nil: // the tenant store did not answer, which is not a failure of the bot
			return Built{}, &botcache.Inconclusive{Err: err}
		}
		return r.o.Build(ctx, BuildRequest{Effective: effective, Admission: t.admission, Incarnation: incarnation})
	})
}

// WriteTarget names the storage and the incarnation that turns of a tenant are written to.
type WriteTarget struct {
	Incarnation string // id of the tenant's present incarnation; empty if it is not tracked
	Storage     config.SealedBlock
}

// WriteTarget returns where turns of a served tenant are written to. Before it returns, the
// catalog has noted that the tenant uses this storage. The error is fault.NotFound for an unknown tenant, and
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

// StoreChanged marks tenants that changed in the tenant store, so that they are read again
// before they are used. Nil changes mark all tenants. It does not wait.
func (r *Registry) StoreChanged(changes []storage.TenantChange) { r.catalog.changed(changes) }

// IDTaken returns an error if a file may not have the id: it says who has the id, or what it is
// reserved for. It returns nil if the id is free or belongs to a file already. It also returns
// nil if the tenant store does not answer; the tenant's first turn is refused then.
func (r *Registry) IDTaken(ctx context.Context, id string) error { return r.catalog.idTaken(ctx, id) }

// Slots returns Options.Slots, which bounds how many settings are checked at once; nil bounds
// nothing.
func (r *Registry) Slots() *fairshare.Slots { return r.o.Slots }
