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
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// SourceAPI is the source of tenants that were registered and not read from a file.
const SourceAPI = "api"

// tenant is what is known of one id.
type tenant struct {
	id        string
	source    string
	doc       *config.Document  // the operator's
	own       *config.Document  // the tenant's own; nil for none
	effective *config.Effective // nil: there never was a valid one
	err       error             // why the newest settings do not serve
	held      error             // why own is held; nil if it counts, or is not there
	stuck     error             // why what own makes is not served; see verdict.err
	updated   time.Time
	gate      *bot.Admission
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
	// Tag is what IfMatch takes: of a tenant with own settings it is another one for each
	// version of its documents, also where that makes no other revision. It is not in lists.
	Tag     string
	Version int64 // in the registry's history; 0 where there is none
	Removed bool  // not served: its id is reserved, and what it wrote is kept
	Created bool  // by the Put that answers it: its id was free
	// Documents are the operator's and the tenant's own, with secrets in them. Those of the
	// own one are marked; it is nil where there is none.
	Documents config.Documents
	// Held is why the tenant's own document does not count, and the operator's alone is
	// served. Nil if it counts, or is not there.
	Held error
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
	out := Tenant{ID: t.id, Source: t.source, Documents: t.docs(), Held: t.held, Err: t.err, UpdatedAt: t.updated}
	if t.source == SourceAPI || t.own != nil {
		out.Version = t.version
	}
	if out.Err == nil {
		out.Err = t.stuck
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
	IfMatch string // the Tag or Revision that must be registered, "*" for any; empty: whatever is
	IfNone  bool   // the id must be free
	DryRun  bool   // validate only
	Note    string // how it came about, for the history
	// Author says whose document is put: the operator's if it is empty. The tenant's own is
	// put for a tenant that is there, of a file or registered, and binds what policy says.
	Author Author
	// Patch says that the document is a JSON merge patch of the one that is there. For the
	// operator's there has to be one.
	Patch bool

	removal bool // of the own document
}

// Author is who changes a tenant.
type Author = tenantstore.Author

func (o PutOptions) author() Author {
	if o.Author == "" {
		return tenantstore.Operator
	}
	return o.Author
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
	for try := 1; ; try++ {
		var t Tenant
		var effective *config.Effective
		var wait <-chan struct{}
		var err error
		switch {
		case o.Author == tenantstore.Tenant && r.o.Store != nil:
			return r.putOwnStored(ctx, id, doc, o)
		case o.Author == tenantstore.Tenant:
			t, effective, wait, err = r.putOwnHere(ctx, id, doc, o)
		case o.Source == SourceAPI && r.o.Store != nil:
			return r.putStored(ctx, id, doc, o)
		default:
			t, effective, wait, err = r.putHere(ctx, id, doc, o)
		}
		switch {
		case !errors.Is(err, errOtherBase):
			return t, effective, err
		case wait == nil && try >= contested:
			return Tenant{}, nil, fault.New(fault.Conflict, "tenant %q was changed by somebody else meanwhile", id).At("If-Match")
		}
		if err := await(ctx, wait); err != nil {
			return Tenant{}, nil, err
		}
	}
}

// putHere is Put for what is kept in this host's memory: the tenants of files, and without
// a ledger those that are registered. Of errOtherBase, and of nothing else, wait is what to
// await before it is tried again; nil for nothing.
func (r *Registry) putHere(ctx context.Context, id string, doc *config.Document, o PutOptions) (_ Tenant, _ *config.Effective, wait <-chan struct{}, _ error) {
	under := r.base()
	r.mu.Lock()
	before := r.tenants[id]
	var old config.Documents
	var was *config.Effective
	var seen *tenant
	if before != nil {
		old, was = before.docs(), before.effective
		now := *before
		seen = &now
	}
	r.mu.Unlock()
	if err := r.accepts(seen, id, o); err != nil {
		return Tenant{}, nil, nil, err
	}
	change, err := r.judge(ctx, id, doc, old, was, o)
	if err != nil {
		return Tenant{}, nil, nil, err
	}
	t := (&tenant{id: id, source: o.Source, updated: r.o.now()}).with(change)
	if o.DryRun {
		return r.tagged(t.info(), change.docs), change.effective, nil, nil
	}
	info, effective, wait, err := r.takeHere(t, before, old, change, under, o)
	return r.tagged(info, change.docs), effective, wait, err
}

// takeHere has what putHere judged count. Before is the tenant that was there, with the
// documents old.
func (r *Registry) takeHere(t, before *tenant, old config.Documents, change accepted, under base, o PutOptions) (_ Tenant, _ *config.Effective, wait <-chan struct{}, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait, err := r.writes.beginWriteLocked(t.id, under.number); err != nil {
		return Tenant{}, nil, wait, err
	}
	defer r.writes.endWriteLocked(t.id)
	now := r.tenants[t.id]
	if now != before || now != nil && now.doc != old.Operator {
		// Somebody changed it while it was checked: what was promised must hold still.
		if err := r.accepts(now, t.id, o); err != nil {
			return Tenant{}, nil, nil, err
		}
		if o.Patch {
			return Tenant{}, nil, nil, errOtherBase // it is of another document
		}
	}
	if now != nil && now.own != old.Own {
		return Tenant{}, nil, nil, errOtherBase // both were not checked together
	}
	if now == nil {
		r.insertTenant(t)
		created := t.info()
		created.Created = true
		return created, change.effective, nil, nil
	}
	now.source, now.doc, now.updated = o.Source, t.doc, t.updated
	r.setErrLocked(now, nil)
	r.serve(now, change.verdict)
	return now.info(), now.effective, nil, nil
}

// Slots bounds how many settings are judged at once; nil bounds nothing.
func (r *Registry) Slots() *slots.Slots { return r.o.Slots }

// tagged sets the Tag of a tenant with those documents. The lock is not held: they may be
// large.
func (r *Registry) tagged(t Tenant, docs config.Documents) Tenant {
	if t.Tag = t.Revision; docs.Own != nil && r.o.Fingerprint != nil {
		t.Tag += "-" + r.o.Fingerprint(docs)
	}
	return t
}

// matches reports whether t is what a request's IfMatch wants.
func (r *Registry) matches(t *tenant, want string) bool {
	info := t.info()
	return want == "" || want == "*" || want == info.Revision || want == r.tagged(info, t.docs()).Tag
}

// accepts says whether t, nil for a free id, may be replaced.
func (r *Registry) accepts(t *tenant, id string, o PutOptions) error {
	switch {
	case t == nil && o.Patch:
		return fault.New(fault.NotFound, "there is no tenant %q to patch", id)
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
	case !r.matches(t, o.IfMatch):
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

// RefuseFile records that a source brought a tenant that cannot be served: a tenant
// that was valid before goes on with what it had. One of a file comes from that source
// from then on, as with Put.
func (r *Registry) RefuseFile(id, source string, err error) {
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
	if err := r.bring(ctx, id); err != nil && r.fileOf(id) == nil {
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
	info, docs, effective := t.info(), t.docs(), t.effective
	r.mu.Unlock()
	return r.missing([]Tenant{r.tagged(info, docs)})[0], docs.Operator, effective, nil
}

// List pages through all tenants by id, those after the id, at most limit.
func (r *Registry) List(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error) {
	r.mu.Lock()
	var own []Tenant
	for id, t := range r.tenants {
		if id > after && (r.o.Store == nil || t.source != SourceAPI) {
			own = append(own, t.info())
		}
	}
	r.mu.Unlock()
	byID := func(a, b Tenant) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(own, byID)
	if r.o.Store == nil {
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
	if r.o.Store != nil {
		return r.removeStored(ctx, id, ifMatch)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.tenants[id]
	if !ok {
		return unknown(id)
	}
	if err := r.accepts(t, id, PutOptions{Source: SourceAPI, IfMatch: ifMatch}); err != nil {
		return err
	}
	r.deleteTenant(t)
	r.forget(t)
	return nil
}

// DropFile stops serving the tenant if it comes from the source. Turns at work finish;
// conversations stay.
func (r *Registry) DropFile(id, source string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, ok := r.tenants[id]; ok && t.source == source {
		r.deleteTenant(t)
		r.forget(t)
	}
}
