package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
)

// SourceAPI is the source of tenants that were registered and not read from a file.
const SourceAPI = "api"

// tenant is what is known of one id.
type tenant struct {
	id        string
	source    string
	doc       *config.Document
	effective *config.Effective // nil: there never was a valid one
	err       error             // why the newest settings do not serve
	updated   time.Time
	gate      *bot.Gate
	building  *building
	failing   *failing // why no bot could be built of effective; nil if one could, or nobody tried

	// With a ledger.
	version     int64 // of what is here; 0 for a file's until it was built
	noting      int   // prepare is at work: what is heard may be its own change
	heard       int64 // newest version that Changed told of
	known       bool  // the ledger has nothing newer; of a file's tenant, of its life
	incarnation string
	storages    []config.SealedBlock // that the ledger knows of
	used        time.Time
}

// Tenant describes a registration.
type Tenant struct {
	ID       string
	Source   string // SourceAPI, or the file
	Revision string // that is served; empty for none
	Version  int64  // in the registry's history; 0 where there is none
	Removed  bool   // not served: its id is reserved, and what it wrote is kept
	Created  bool   // by the Put that answers it: its id was free
	// Err is why the newest settings are not served; nil when they are.
	Err error
	// Unavailable is why turns are refused although the settings are valid: what came of
	// the last try to build the tenant's bot. Nil while there is none.
	Unavailable error
	// Missing is what secret of the settings that are served is not there any more: a file
	// that is gone, a variable that is empty. A bot that has it goes on; another cannot be
	// built. It is looked for by Get and List alone; nil also if it is not known.
	Missing   error
	UpdatedAt time.Time

	effective *config.Effective
}

func (t *tenant) info() Tenant {
	out := Tenant{ID: t.id, Source: t.source, Err: t.err, UpdatedAt: t.updated}
	if t.source == SourceAPI {
		out.Version = t.version
	}
	if out.effective = t.effective; t.effective != nil {
		out.Revision = t.effective.Revision
	}
	if t.failing != nil {
		out.Unavailable = t.failing.err
	}
	return out
}

// PutOptions change how Put registers.
type PutOptions struct {
	Source  string // empty is SourceAPI
	IfMatch string // the revision that must be registered, "*" for any; empty: whatever is
	IfNone  bool   // the id must be free
	DryRun  bool   // validate only
	Note    string // how it came about, for the history
}

// Put registers the tenant, or replaces its settings. Turns at work finish on the
// old ones. What is invalid changes nothing: config.Problems. fault.Conflict when
// the id is a file's and is put over the API, or the other way round, when it is
// reserved, or when IfMatch or IfNone do not hold. A file's tenant may come from another
// file from then on. Of all Puts of a free id, on all hosts, one is answered as Created.
func (r *Registry) Put(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, *config.Effective, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, nil, fault.New(fault.Invalid, "%w", err).At("tenant")
	}
	if o.Source == "" {
		o.Source = SourceAPI
	}
	if r.o.Ledger != nil && o.Source == SourceAPI {
		return r.putStored(ctx, id, doc, o)
	}
	for {
		t, effective, wait, err := r.putHere(ctx, id, doc, o)
		if !errors.Is(err, errOtherBase) {
			return t, effective, err
		}
		if err := await(ctx, wait); err != nil {
			return Tenant{}, nil, err
		}
	}
}

// putHere is Put for tenants that are not the ledger's. Of errOtherBase, and of nothing
// else, wait is what to await before it is tried again.
func (r *Registry) putHere(ctx context.Context, id string, doc *config.Document, o PutOptions) (_ Tenant, _ *config.Effective, wait <-chan struct{}, _ error) {
	under := r.base()
	r.mu.Lock()
	before := r.tenants[id]
	var old *config.Document
	var was *config.Effective
	err := before.accepts(id, o)
	if before != nil {
		old, was = before.doc, before.effective
	}
	r.mu.Unlock()
	if err != nil {
		return Tenant{}, nil, nil, err
	}
	doc, effective, err := r.judge(ctx, id, doc, old, was, trialOf(o.DryRun))
	if err != nil {
		return Tenant{}, nil, nil, err
	}
	secrets, _ := effective.TenantSecrets()
	// They stay secret though a later version of the plugin does not mark them.
	doc = doc.MarkSecret(secrets.Literals)
	t := &tenant{id: id, source: o.Source, doc: doc, effective: effective, updated: r.o.now()}
	if o.DryRun {
		return t.info(), effective, nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait, err := r.writes.beginWriteLocked(id, under.number); err != nil {
		return Tenant{}, nil, wait, err
	}
	defer r.writes.endWriteLocked(id)
	now := r.tenants[id]
	if now != before || (now != nil && now.doc != old) {
		// Somebody changed it while it was checked: what was promised must hold still.
		if err := now.accepts(id, o); err != nil {
			return Tenant{}, nil, nil, err
		}
	}
	if now == nil {
		r.insertTenant(t)
		created := t.info()
		created.Created = true
		return created, effective, nil, nil
	}
	changed := now.effective == nil || now.effective.Revision != effective.Revision
	now.source, now.doc, now.effective, now.updated = o.Source, doc, effective, t.updated
	r.setErrLocked(now, nil)
	if changed {
		r.forget(now)
	}
	return now.info(), effective, nil, nil
}

// judge checks new settings that follow old ones, of which they may keep secrets.
func (r *Registry) judge(ctx context.Context, id string, doc, old *config.Document, was *config.Effective, trial Trial) (*config.Document, *config.Effective, error) {
	var restored *config.Document
	var effective *config.Effective
	err := r.o.Slots.Do(ctx, id, func(ctx context.Context) (err error) {
		restored = config.RestoreSecrets(doc, old)
		if effective, err = r.base().check(ctx, id, restored, trial); err != nil {
			return err
		}
		return config.CheckRestored(restored, was, effective)
	})
	if err != nil {
		return nil, nil, err
	}
	return restored, effective, nil
}

// check validates settings as that is done now.
func (r *Registry) check(ctx context.Context, id string, doc *config.Document, trial Trial) (*config.Effective, error) {
	return r.checkUnder(ctx, r.base().check, id, doc, trial)
}

// checkUnder validates settings when the tenant has its turn.
func (r *Registry) checkUnder(ctx context.Context, check Check, id string, doc *config.Document, trial Trial) (effective *config.Effective, err error) {
	err = r.o.Slots.Do(ctx, id, func(ctx context.Context) error {
		effective, err = check(ctx, id, doc, trial)
		return err
	})
	return effective, err
}

// Slots bounds how many settings are judged at once; nil bounds nothing.
func (r *Registry) Slots() *slots.Slots { return r.o.Slots }

// accepts says whether t, nil for a free id, may be replaced.
func (t *tenant) accepts(id string, o PutOptions) error {
	switch {
	case t == nil && o.IfMatch != "":
		return fault.New(fault.Conflict, "there is no tenant %q to match", id).At("If-Match")
	case t == nil:
		return nil
	case t.source != SourceAPI && o.Source != SourceAPI:
		// Which of its files brings a tenant is for who follows the files to say.
	case t.source != o.Source && t.source != SourceAPI:
		return fault.New(fault.Conflict, "tenant %q comes from the file %s: change it there", id, t.source).At("tenant")
	case t.source != o.Source:
		return fault.New(fault.Conflict, "tenant %q is registered over the API: remove it there first", id).At("tenant")
	case o.IfNone:
		return fault.New(fault.Conflict, "tenant %q exists", id).At("If-None-Match")
	case o.IfMatch != "" && o.IfMatch != "*" && o.IfMatch != t.info().Revision:
		return fault.New(fault.Conflict, "tenant %q is at revision %s", id, t.info().Revision).At("If-Match")
	}
	return nil
}

// forget drops the tenant's cached bot and has builds at work not cached. The
// caller holds mu.
func (r *Registry) forget(t *tenant) {
	t.building = nil
	r.mended(t)
	r.cache.Remove(t.id)
}

// Refuse records that a source brought a tenant that cannot be served: a tenant
// that was valid before goes on with what it had. One of a file comes from that source
// from then on, as with Put.
func (r *Registry) Refuse(id, source string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tenants[id]
	if !ok {
		t = &tenant{id: id, source: source}
		r.insertTenant(t)
	}
	if t.source != SourceAPI {
		t.source = source
	}
	t.updated = r.o.now()
	r.setErrLocked(t, err)
}

// Get answers a tenant and its settings, with secrets in them. fault.NotFound.
func (r *Registry) Get(ctx context.Context, id string) (Tenant, *config.Document, *config.Effective, error) {
	if err := r.bring(ctx, id); err != nil {
		return Tenant{}, nil, nil, err
	}
	r.mu.Lock()
	t, ok := r.tenants[id]
	if !ok {
		defer r.mu.Unlock()
		if why, ok := r.absent.Get(id); ok {
			return Tenant{}, nil, nil, why
		}
		return Tenant{}, nil, nil, unknown(id)
	}
	info, doc, effective := t.info(), t.doc, t.effective
	r.mu.Unlock()
	return r.missing([]Tenant{info})[0], doc, effective, nil
}

// List pages through all tenants by id, those after the id, at most limit.
func (r *Registry) List(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error) {
	r.mu.Lock()
	var own []Tenant
	for id, t := range r.tenants {
		if id > after && (r.o.Ledger == nil || t.source != SourceAPI) {
			own = append(own, t.info())
		}
	}
	r.mu.Unlock()
	byID := func(a, b Tenant) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(own, byID)
	if r.o.Ledger == nil {
		return r.missing(own[:min(limit, len(own))]), len(own) > limit, nil
	}
	stored, more, err := r.listStored(ctx, after, limit)
	if err != nil {
		return nil, false, err
	}
	if more { // what follows them comes with the next page
		last := stored[len(stored)-1].ID
		own = own[:slices.IndexFunc(append(own, Tenant{ID: last + "\x00"}), func(t Tenant) bool { return t.ID > last })]
	}
	for _, t := range stored {
		if _, taken := slices.BinarySearchFunc(own, t, byID); !taken {
			page = append(page, t)
		}
	}
	page = append(page, own...)
	slices.SortFunc(page, byID)
	return r.missing(page[:min(limit, len(page))]), more || len(page) > limit, nil
}

// missingTimeout bounds the look for missing secrets of a page of tenants; those that it
// did not come to are not looked for.
const missingTimeout = 2 * time.Second

// missing looks for what is missing of the tenants. The lock is not held: files are read.
func (r *Registry) missing(page []Tenant) []Tenant {
	if r.o.Missing == nil {
		return page
	}
	for i, until := 0, time.Now().Add(missingTimeout); i < len(page) && time.Now().Before(until); i++ {
		if e := page[i].effective; e != nil {
			page[i].Missing = r.o.Missing(e)
		}
	}
	return page
}

// Remove stops serving a tenant that was registered over the API. Turns at work
// finish; conversations stay, and with a ledger so does the id, which is reserved for
// them. fault.NotFound; fault.Conflict for a file's tenant or when ifMatch, if not
// empty, is not its revision.
func (r *Registry) Remove(ctx context.Context, id, ifMatch string) error {
	if r.o.Ledger != nil {
		return r.removeStored(ctx, id, ifMatch)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tenants[id]
	if !ok {
		return unknown(id)
	}
	if err := t.accepts(id, PutOptions{Source: SourceAPI, IfMatch: ifMatch}); err != nil {
		return err
	}
	r.deleteTenant(t)
	r.forget(t)
	return nil
}

// Drop stops serving the tenant if it comes from the source. Turns at work finish;
// conversations stay.
func (r *Registry) Drop(id, source string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.tenants[id]; ok && t.source == source {
		r.deleteTenant(t)
		r.forget(t)
	}
}
