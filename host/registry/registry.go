package registry

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Built is a bot and what frees its parts.
type Built struct {
	Bot     *bot.Bot
	Release func()
	// Stale says whether what the bot was built from has changed although its revision
	// has not: a secret that it refers to. Nil if there is nothing to ask. It is called
	// without any lock held, and may read files.
	Stale func() bool
}

// BuildRequest says whose bot is wanted.
type BuildRequest struct {
	Effective   *config.Effective
	Admission   *bot.Admission // the tenant's, for all its revisions
	Incarnation string         // life of the tenant's id; empty when it is not tracked
}

// Options are what a Registry is made with.
type Options struct {
	TTL  time.Duration // how long a bot is served from the cache
	Size int           // how many bots are cached at most
	// Check validates a tenant's settings; its errors are config.Problems.
	Check Check
	// Build assembles the tenant's bot. It is called without any lock held.
	Build func(ctx context.Context, req BuildRequest) (Built, error)
	// Missing says what secret that the settings refer to is not there now; nil if none is.
	// It may read files. May be nil.
	Missing func(e *config.Effective) error
	// Ledger keeps what is registered over the API. Nil: the Registry itself does, as
	// long as it lives.
	Store *tenantstore.Store
	// Storage is the stored form of what keeps a tenant's conversations. Nil without a
	// Ledger.
	Storage func(e *config.Effective) config.SealedBlock
	// Slots bounds how many settings are judged at once. Nil bounds nothing.
	Slots *slots.Slots
	// Fingerprint tells versions of a tenant's documents apart; equal on all hosts. Nil:
	// revisions alone do.
	Fingerprint func(docs config.Documents) string
	// BuildTimeout bounds one Build; 0 is 30 seconds.
	BuildTimeout time.Duration
	// StaleEvery is the time between two askings of Built.Stale; 0 is 2 seconds.
	StaleEvery time.Duration
	now        func() time.Time
}

// Registry is used concurrently.
type Registry struct {
	o Options

	rebase chan struct{} // holds one while Rebase is at work

	mu      sync.Mutex
	writes  writes
	tenants map[string]*tenant
	gates   gates
	tries   tries
	loads   map[string]*loading
	absent  *simplelru.LRU[string, error] // what asking the ledger for ids without a tenant gave
	invalid map[*tenant]struct{}          // of tenants: those that have an err
	failing map[*tenant]*failing          // with valid settings, of which no bot could be built
	wake    chan struct{}                 // some of them may be due
	leaving map[string]*Snapshot          // without a ledger: tenants whose purge is not done
	cache   *simplelru.LRU[string, *entry]
	closed  bool
	live    int           // bots built and not released
	idle    chan struct{} // closed when closed is true and live 0

	work   sync.WaitGroup // builds, releases and the sweeper
	ctx    context.Context
	cancel context.CancelFunc
}

// entry is a bot in the cache or, evicted, in the hands of its last turns.
type entry struct {
	built   Built
	expires time.Time
	users   int
	evicted bool
}

// New makes a Registry. Close it.
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
	r := &Registry{o: o, rebase: make(chan struct{}, 1), tenants: map[string]*tenant{}, loads: map[string]*loading{}, invalid: map[*tenant]struct{}{}, failing: map[*tenant]*failing{}, wake: make(chan struct{}, 1), leaving: map[string]*Snapshot{}, idle: make(chan struct{})}
	cache, err := simplelru.NewLRU(o.Size, func(_ string, e *entry) { r.dropped(e) })
	if err != nil {
		return nil, err
	}
	r.cache = cache
	if r.absent, err = simplelru.NewLRU[string, error](bounds.MaxAbsent, nil); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.work.Go(r.sweep)
	r.work.Go(r.watchStale)
	r.work.Go(r.rejudge)
	return r, nil
}

// Close empties the cache and waits, until ctx ends, for turns at work. Bots that
// are still in use then are not released. Nothing can be acquired any more.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.cache.Purge()
	r.settle()
	r.mu.Unlock()
	r.cancel()
	select {
	case <-r.idle:
		r.work.Wait()
		return nil
	case <-ctx.Done():
	}
	// No time is left for turns, but bots that nobody uses are still being released.
	last := time.NewTimer(releaseGrace)
	defer last.Stop()
	select {
	case <-r.idle:
		r.work.Wait()
		return nil
	case <-last.C:
		return fault.New(fault.Deadline, "turns were still at work: %w", context.Cause(ctx)).By(fault.PartyHost)
	}
}

// releaseGrace is what releasing bots may take.
const releaseGrace = time.Second

// settle tells Close that nothing is left. The caller holds mu.
func (r *Registry) settle() {
	if r.closed && r.live == 0 {
		select {
		case <-r.idle:
		default:
			close(r.idle)
		}
	}
}

// dropped marks an entry that left the cache. The caller holds mu.
func (r *Registry) dropped(e *entry) {
	e.evicted = true
	if e.users == 0 {
		r.release(e)
	}
}

// release frees the bot's parts, off the lock. The caller holds mu.
func (r *Registry) release(e *entry) {
	r.work.Go(func() {
		if e.built.Release != nil {
			e.built.Release()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.live--
		r.settle()
	})
}

// sweep drops bots whose time is over and that nobody asks for any more.
func (r *Registry) sweep() {
	tick := time.NewTicker(max(r.o.TTL/2, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		now := r.o.now()
		r.mu.Lock()
		for _, id := range r.cache.Keys() {
			if e, ok := r.cache.Peek(id); ok && now.After(e.expires) {
				r.cache.Remove(id)
			}
		}
		r.unload(now)
		r.gates.sweep()
		r.mu.Unlock()
	}
}

// Lease is a bot in use. Release it when the turn ended.
type Lease struct {
	*bot.Bot
	// Cached is true when the bot was ready when it was asked for.
	Cached bool

	registry *Registry
	entry    *entry
	once     sync.Once
}

// Release gives the bot back. Further calls do nothing.
func (l *Lease) Release() {
	l.once.Do(func() {
		r := l.registry
		r.mu.Lock()
		defer r.mu.Unlock()
		r.leaveEntry(l.entry)
	})
}

// GetOption changes how Acquire looks for a bot.
type GetOption func(*getOptions)

type getOptions struct{ force bool }

// ForceRefresh has the bot built anew, with its secrets read anew, even if it is
// cached.
func ForceRefresh() GetOption { return func(o *getOptions) { o.force = true } }

// Acquire answers the tenant's bot, from the cache or built. fault.NotFound for an
// unknown tenant, fault.Invalid of the tenant's configuration for one that has no
// valid one, and the errors of Build. The caller releases the lease.
func (r *Registry) Acquire(ctx context.Context, id string, options ...GetOption) (*Lease, error) {
	var o getOptions
	for _, set := range options {
		set(&o)
	}
	if err := r.bring(ctx, id); err != nil {
		return nil, err
	}
	r.mu.Lock()
	t, err := r.servable(id)
	if err != nil {
		r.mu.Unlock()
		return nil, err
	}
	if o.force {
		r.forget(t)
	}
	if e, ok := r.cache.Get(id); ok {
		if r.o.now().Before(e.expires) {
			e.users++
			r.mu.Unlock()
			return &Lease{Bot: e.built.Bot, Cached: true, registry: r, entry: e}, nil
		}
		r.cache.Remove(id)
	}
	b := t.building
	if b == nil {
		b = r.build(t)
	}
	b.waiters++
	r.mu.Unlock()

	select {
	case <-b.done:
	case <-ctx.Done():
		r.leave(b)
		return nil, fault.Of(context.Cause(ctx))
	}
	if b.err != nil {
		return nil, b.err
	}
	return &Lease{Bot: b.entry.built.Bot, registry: r, entry: b.entry}, nil
}

// leave takes back a wait for a build.
func (r *Registry) leave(b *building) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.waiters--
	if b.entry != nil {
		r.leaveEntry(b.entry)
	}
}

// leaveEntry counts a user out. The caller holds mu.
func (r *Registry) leaveEntry(e *entry) {
	e.users--
	if e.evicted && e.users == 0 {
		r.release(e)
	}
}

// servable finds the tenant, or says why it is not served. The caller holds mu.
func (r *Registry) servable(id string) (*tenant, error) {
	if r.closed {
		return nil, fault.New(fault.PluginUnavailable, "the host is shutting down").By(fault.PartyHost).After(time.Second)
	}
	t, ok := r.tenants[id]
	if !ok {
		if why, ok := r.absent.Get(id); ok {
			return nil, why
		}
		return nil, unknown(id)
	}
	t.used = r.o.now()
	if t.effective == nil {
		// Why is the operator's to know: the reason has paths and settings in it.
		return nil, fault.New(fault.Invalid, "tenant %q has no valid configuration; its operator can see why in the list of tenants", id).By(fault.PartyTenant)
	}
	return t, nil
}

func unknown(id string) error {
	return fault.New(fault.NotFound, "there is no tenant %q", id)
}

// building is one build of a tenant's bot, waited for by any number. entry and err
// are set before done is closed.
type building struct {
	done    chan struct{}
	waiters int // guarded by the registry's mu
	entry   *entry
	err     error
}

// build starts a build that outlives whoever asked first. The caller holds mu.
func (r *Registry) build(t *tenant) *building {
	b := &building{done: make(chan struct{})}
	t.building = b
	effective := t.effective
	r.live++ // the build itself
	r.work.Go(func() {
		defer close(b.done)
		ctx, cancel := context.WithTimeout(r.ctx, r.o.BuildTimeout)
		defer cancel()
		var built Built
		life, err := r.prepare(ctx, t, effective)
		prepared := err == nil || fault.Is(err, fault.Invalid)
		if err == nil {
			built, err = r.o.Build(ctx, BuildRequest{Effective: effective, Admission: t.gate, Incarnation: life})
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		defer func() {
			r.live--
			r.settle()
		}()
		// A build that was overtaken, by a change or a forced refresh, serves those who
		// wait for it and is not cached.
		current := t.building == b && t.effective != nil && t.effective.Revision == effective.Revision && r.tenants[t.id] == t && !r.closed
		if t.building == b {
			t.building = nil
		}
		// What the ledger does not answer says nothing about the tenant.
		if same := r.tenants[t.id] == t && t.effective != nil && t.effective.Revision == effective.Revision; same && prepared {
			r.noteBuild(t, err)
		}
		if err != nil {
			b.err = fault.Of(err)
			return
		}
		// Those who wait use it from now on, so that it cannot be released under them.
		r.live++
		b.entry = &entry{built: built, expires: r.o.now().Add(r.o.TTL), users: b.waiters}
		if current {
			r.cache.Add(t.id, b.entry)
		} else {
			r.dropped(b.entry)
		}
	})
	return b
}
