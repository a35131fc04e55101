package ledger

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Options are what a Ledger is made with.
type Options struct {
	Storage storage.TenantStore // a storage.TenantWatcher too if it gives notice of changes
	Key     *secret.Key         // seals secrets; shared by all hosts of the registry
	// Changed is told which tenants changed, nil for possibly all, before the Ledger
	// counts as knowing of it. It must not wait.
	Changed func(changes []storage.TenantChange)
	Log     hclog.Logger
	// Slots bounds how many registrations are read and written at once. Nil bounds nothing.
	Slots *slots.Slots
	now   func() time.Time
}

// Ledger is used concurrently.
type Ledger struct {
	o      Options
	start  time.Time
	fresh  atomic.Int64 // nanoseconds after start at which all changes before were heard of; 0 for never
	head   atomic.Int64
	heard  atomic.Int64 // position of the newest change that was passed on
	notice chan struct{}

	layersSince atomic.Int64 // position of the row layersRow; 0 while none is known

	hearing  chan struct{} // holds one while a hearing is on its way
	position int64         // of who holds hearing; -1 before the first
}

const (
	// maxAge is how long after a hearing what is known counts as fresh. A changed
	// tenant is not served for longer than a second.
	maxAge = 900 * time.Millisecond
	// hearEvery is the time between hearings, a third of maxAge, so that two may be slow.
	hearEvery = 300 * time.Millisecond
	// hearTimeout bounds one hearing.
	hearTimeout = 5 * time.Second
	pageSize    = 500
)

// New makes a Ledger. It asks nothing before Run or the first call.
func New(o Options) *Ledger {
	if o.now == nil {
		o.now = time.Now
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return &Ledger{o: o, start: o.now().Add(-time.Second), position: -1, notice: make(chan struct{}, 1), hearing: make(chan struct{}, 1)}
}

// Fresh says whether all changes of more than a second ago are known.
func (l *Ledger) Fresh() bool {
	at := l.fresh.Load()
	return at != 0 && l.o.now().Sub(l.start)-time.Duration(at) < maxAge
}

// Confirm returns when what is known is fresh, or the storage's error.
func (l *Ledger) Confirm(ctx context.Context) error {
	if l.Fresh() {
		return nil
	}
	return l.hear(ctx, l.Fresh)
}

// Lag says how long ago the storage was last heard of, or that this Ledger was made if it
// never was, and how many changes it is known to have that were not heard of.
func (l *Ledger) Lag() (age time.Duration, changes int64) {
	age = l.o.now().Sub(l.start) - time.Duration(l.fresh.Load())
	return max(0, age), max(0, l.head.Load()-l.heard.Load())
}

// Empty says that no tenant was ever registered, as far as this is known.
func (l *Ledger) Empty() bool { return l.fresh.Load() != 0 && l.head.Load() == 0 }

// hear asks for changes since the last hearing, unless needless says that whoever
// was here before did.
func (l *Ledger) hear(ctx context.Context, needless func() bool) error {
	select {
	case l.hearing <- struct{}{}:
		defer func() { <-l.hearing }()
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
	if needless() {
		return nil
	}
	asked := l.o.now().Sub(l.start)
	limit := pageSize
	if l.position < 0 {
		limit = 0 // nothing is known that could have changed
	}
	for {
		page, err := l.o.Storage.TenantChanges(ctx, max(l.position, 0), limit)
		if err != nil {
			return err
		}
		l.head.Store(page.Head)
		switch {
		case page.Head < l.position:
			// The storage is another one, or went back to an older state.
			l.o.Log.Warn("the registry's history is shorter than it was: everything is read again", "position", l.position, "head", page.Head)
			l.position = page.Head
			l.layersSince.Store(0)
			l.o.Changed(nil)
		case limit == 0:
			l.position = page.Head
		case len(page.Changes) > 0:
			l.o.Changed(page.Changes)
			l.position = page.Changes[len(page.Changes)-1].Position
		}
		if !page.More || limit == 0 {
			break
		}
	}
	l.heard.Store(l.position)
	l.fresh.Store(int64(asked))
	return nil
}

// Run hears of changes until ctx ends.
func (l *Ledger) Run(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if w, ok := l.o.Storage.(storage.TenantWatcher); ok {
		watching.Go(func() { l.watch(ctx, w) })
	}
	tick := time.NewTicker(hearEvery)
	defer tick.Stop()
	var failing bool
	for {
		call, cancel := context.WithTimeout(ctx, hearTimeout)
		err := l.hear(call, func() bool { return false })
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			l.o.Log.Error("the registry of tenants does not answer: tenants that are registered there are not served until it does", "error", err)
		case err == nil && failing:
			l.o.Log.Info("the registry of tenants answers again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.notice:
		}
	}
}

// watch turns notices of the storage into hearings.
func (l *Ledger) watch(ctx context.Context, w storage.TenantWatcher) {
	const pause = 2 * time.Second
	for {
		err := w.WatchTenants(ctx, func() error {
			select {
			case l.notice <- struct{}{}:
			default:
			}
			return nil
		})
		switch {
		case ctx.Err() != nil:
			return
		case fault.Is(err, fault.Invalid):
			l.o.Log.Warn("the registry gives no notice of changes; it is asked for them", "every", hearEvery, "reason", err)
			return
		}
		l.o.Log.Debug("the watch of the registry ended", "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Get answers the newest version of a tenant's registration, nil if there is none.
func (l *Ledger) Get(ctx context.Context, tenant string) (*Entry, error) {
	ids := []string{tenant}
	if l.layersSince.Load() == 0 {
		ids = append(ids, layersRow)
	}
	found, err := l.o.Storage.GetTenants(ctx, ids)
	if err != nil {
		return nil, err
	}
	l.noteLayers(found)
	for _, r := range found {
		if r.Tenant == tenant {
			e, err := l.unpack(ctx, r)
			if err != nil {
				return nil, err
			}
			return e, l.mend(ctx, e)
		}
	}
	return nil, nil
}

// unpack reads a registration when its tenant has its turn. Its error is the context's.
func (l *Ledger) unpack(ctx context.Context, r storage.Registration) (e *Entry, err error) {
	err = l.o.Slots.Do(ctx, r.Tenant, func(context.Context) error {
		e = unpack(l.o.Key, r)
		return nil
	})
	return e, err
}

// List pages through the newest versions by tenant, those after the id.
func (l *Ledger) List(ctx context.Context, after string, limit int) (entries []*Entry, more bool, err error) {
	page, err := l.o.Storage.ListTenants(ctx, after, limit)
	if err != nil {
		return nil, false, err
	}
	if err := l.learnLayers(ctx); err != nil {
		return nil, false, err
	}
	if entries, err = l.unpackAll(ctx, page); err != nil {
		return nil, false, err
	}
	for _, e := range entries {
		if err := l.mend(ctx, e); err != nil {
			return nil, false, err
		}
	}
	return entries, page.More, nil
}

// History pages through a tenant's versions, newest first, those less than before
// unless it is 0.
func (l *Ledger) History(ctx context.Context, tenant string, before int64, limit int) (entries []*Entry, more bool, err error) {
	page, err := l.o.Storage.TenantHistory(ctx, tenant, before, limit)
	if err != nil {
		return nil, false, err
	}
	if err := l.learnLayers(ctx); err != nil {
		return nil, false, err
	}
	if entries, err = l.unpackAll(ctx, page); err != nil {
		return nil, false, err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		switch {
		case !l.lacksLayer(e):
		case i+1 < len(entries):
			e.takeOwn(entries[i+1])
		default:
			if err := l.mend(ctx, e); err != nil {
				return nil, false, err
			}
		}
	}
	return entries, page.More, nil
}

func (l *Ledger) unpackAll(ctx context.Context, page *storage.RegistrationPage) (_ []*Entry, err error) {
	out := make([]*Entry, len(page.Registrations))
	for i, r := range page.Registrations {
		if out[i], err = l.unpack(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Put stores e as the version after ifVersion, 0 for none, and answers it. The texts
// at e.Literals are sealed; version and time are the storage's. With forget, earlier
// versions are erased. fault.Conflict when ifVersion is not the newest. A call whose
// effect is uncertain is repeated until ctx ends.
func (l *Ledger) Put(ctx context.Context, e Entry, ifVersion int64, forget bool) (*Entry, error) {
	if e.Own != nil {
		if err := l.markLayers(ctx); err != nil {
			return nil, err
		}
	}
	var document []byte
	err := l.o.Slots.Do(ctx, e.Tenant, func(context.Context) (err error) {
		document, err = pack(l.o.Key, &e)
		return err
	})
	if err != nil {
		return nil, err
	}
	req := &storage.PutTenantRequest{
		Tenant: e.Tenant, IfVersion: ifVersion, State: e.State, Incarnation: e.Incarnation,
		Document: document, Note: e.Note, Attempt: rand.Text(), EraseHistory: forget,
	}
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	for {
		r, err := l.o.Storage.PutTenant(ctx, req)
		if err == nil {
			select {
			case l.notice <- struct{}{}:
			default:
			}
			return l.unpack(context.WithoutCancel(ctx), *r) // it is put, whoever waits for that
		}
		// The attempt makes a repeat safe.
		if f := fault.Of(err); !f.Retryable || f.Class == fault.Conflict || ctx.Err() != nil {
			return nil, err
		}
		timer := time.NewTimer(putPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
	}
}

const (
	putTimeout = 15 * time.Second
	putPause   = 200 * time.Millisecond
)
