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

// Built is a newly built bot with the functions that the cache calls for it.
type Built = botcache.Built

// Lease is a bot in use. Release it when its turn has ended.
type Lease = botcache.Lease

// BuildRequest is the argument of Options.Build.
type BuildRequest struct {
	Effective   *config.Effective
	Admission   *bot.Admission // the tenant's Admission, which all its revisions share
	Incarnation string         // the tenant's present incarnation; empty if the catalog does not track incarnations
}

// Options configure a Registry.
type Options struct {
	TTL  time.Duration // how long after its build a cached bot is used
	Size int           // greatest number of cached bots
	// Check validates a tenant's settings. Its error is config.Problems if the settings are
	// invalid.
	Check Check
	// Build assembles a tenant's bot. The Registry calls it without a lock held.
	Build func(ctx context.Context, req BuildRequest) (Built, error)
	// Missing returns an error that names a missing secret to which the settings refer. It
	// returns nil if no secret is missing. It may read files. The field may be nil.
	Missing func(e *config.Effective) error
	// Store has the tenants that are registered over the API. If it is nil, the Registry keeps
	// these tenants in memory until it is closed.
	Store *tenantstore.Store
	// Storage returns the stored form of the configuration of the storage of a tenant's
	// conversations. It must be set if Store is set.
	Storage func(e *config.Effective) config.SealedBlock
	// Slots bounds how many settings are checked at once. A nil Slots bounds nothing.
	Slots *fairshare.Slots
	// Fingerprint returns a digest of a tenant's documents that is equal on all hosts. If it is
	// nil, Tenant.Tag is the revision alone.
	Fingerprint func(docs config.Documents) string
	// BuildTimeout is the greatest duration of one Build. 0 means 30 seconds.
	BuildTimeout time.Duration
	// StaleEvery is the time between two calls of Built.Stale. 0 means 2 seconds.
	StaleEvery time.Duration
	now        func() time.Time
}

// Registry holds the tenants of a host and lends their bots. It is safe for concurrent use.
type Registry struct {
	*tenantTable
	catalog catalog
	cache   *botcache.Cache

	reloading chan struct{} // semaphore; has a value while Reload runs
	retry     chan struct{} // has a value when retryFailed must look for bots to build again

	work   sync.WaitGroup // goroutines of the pollers and of the catalog's loads
	ctx    context.Context
	cancel context.CancelFunc
}

// New returns a Registry. The caller closes it.
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

// Close empties the cache and waits for running turns until ctx ends. Bots that are still in
// use then are not freed. After Close has begun, Acquire returns an error.
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

// GetOption is an option of Acquire.
type GetOption func(*getOptions)

type getOptions struct{ force bool }

// ForceRefresh makes Acquire build the bot again, with newly read secrets, even if the bot is
// cached.
func ForceRefresh() GetOption { return func(o *getOptions) { o.force = true } }

// Acquire returns a lease of the tenant's bot, from the cache or newly built. It may wait for
// the tenant store and for a build. The error is fault.NotFound for an unknown tenant, and
// fault.Invalid for a tenant without a valid configuration. Otherwise it is the error of the
// store or of Options.Build. The caller releases the lease.
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

// servableLocked returns the tenant if it can be served, or an error that says why it cannot be
// served. Locked: mu is held.
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
		// The message does not say the reason, because the reason has paths and settings that
		// only the operator may see.
		return nil, fault.New(fault.Invalid, "tenant %q has no valid configuration; its operator can see why in the list of tenants", id).By(fault.PartyTenant)
	}
	return t, nil
}

// buildLocked joins the running build of a tenant's bot, or begins one. Locked: mu is held.
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

// WriteTarget is the storage and the incarnation that turns of a tenant are written to.
type WriteTarget struct {
	Incarnation string // id of the tenant's present incarnation; empty if the catalog does not track incarnations
	Storage     config.SealedBlock
}

// WriteTarget returns the storage and the incarnation that turns of a served tenant are written
// to. Before it returns, the catalog has recorded that the tenant uses this storage. The error
// is fault.NotFound for an unknown tenant, and fault.Invalid for a tenant without valid
// settings.
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
// before they are used. If changes is nil, it marks all tenants. It does not wait.
func (r *Registry) StoreChanged(changes []storage.TenantChange) { r.catalog.changed(changes) }

// IDTaken returns an error if a tenant file must not use the id. The error says which tenant
// has the id, or what the id is reserved for. IDTaken returns nil if the id is free or belongs
// to a file already. It also returns nil if the tenant store does not answer. The tenant's
// first turn is refused in this case.
func (r *Registry) IDTaken(ctx context.Context, id string) error { return r.catalog.idTaken(ctx, id) }

// Slots returns Options.Slots, which bounds how many settings are checked at once. A nil Slots
// bounds nothing.
func (r *Registry) Slots() *fairshare.Slots { return r.o.Slots }
