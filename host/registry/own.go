package registry

import (
	"context"
	"reflect"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// putOwnStored is Put for a tenant's own document, and with a nil one takes it away. The
// tenant is there, of a file or registered.
func (r *Registry) putOwnStored(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, *config.Effective, error) {
	if err := r.bring(ctx, id); err != nil {
		return Tenant{}, nil, err
	}
	base := r.base().number
	var change accepted
	var shown Tenant
	var created bool
	var file *config.Document // that the change was judged with; nil for a registered tenant
	put, err := r.changeStored(ctx, id, o.IfMatch != "" || o.IfNone, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		var before *tenant
		var err error
		if before, file, err = r.before(ctx, id, e); err != nil {
			return nil, err
		}
		if err := r.acceptsOwn(before, o); err != nil {
			return nil, err
		}
		if change, err = r.judgeOwn(ctx, before, doc, o); err != nil {
			return nil, err
		}
		created = before.own == nil
		if o.DryRun || sameDocument(before.own, change.docs.Own) {
			shown = before.with(change).info()
			if e != nil {
				shown.Version, shown.UpdatedAt = e.Version, e.CreatedAt
			}
			if o.DryRun {
				shown.UpdatedAt = r.o.now()
			}
			return nil, nil
		}
		next := &tenantstore.Entry{State: storage.TenantFromFile}
		switch {
		case e == nil:
			// The first life of a file's tenant has no name, as in prepare.
		case e.State == storage.TenantPurged:
			next.Incarnation = newLife()
		default:
			*next = *e
		}
		next.Own, next.Author, next.Note = change.docs.Own, o.author(), o.Note
		next.OwnLiterals = next.Own.Marked()
		if change.effective != nil {
			used, can := r.o.Storage(change.effective), next.CanNoteOwn
			if before.effective != nil && r.o.Storage(before.effective).Digest == used.Digest {
				can = next.CanNote // the storage stays as it is
			}
			if err := can(used); err != nil {
				return nil, err
			}
		}
		return next, nil
	})
	if err != nil {
		return Tenant{}, nil, err
	}
	if shown.ID != "" {
		return r.tagged(shown, change.docs), change.effective, nil
	}
	put.Held, put.Err = change.held, change.err
	out := asPut(id, put, change.effective)
	r.mu.Lock()
	if file != nil {
		out.Documents.Operator = file
		r.noteOwn(id, put, file, &change.verdict)
		if t := r.tenants[id]; t != nil && base != r.writes.base {
			t.known = false
		}
	} else {
		r.installPut(id, put, change.effective, base)
	}
	if t := r.tenants[id]; file != nil && t != nil {
		out.Source = t.source
	}
	r.mu.Unlock()
	out.Created = created
	return r.tagged(out, change.docs), change.effective, nil
}

// before is the tenant as it is before a change of its own document, with the document of
// this host's file if it is one of a file. e is what the ledger has of it.
func (r *Registry) before(ctx context.Context, id string, e *tenantstore.Entry) (t *tenant, file *config.Document, err error) {
	r.mu.Lock()
	here := r.tenants[id]
	var source string
	if here != nil && here.source != SourceAPI {
		source, file = here.source, here.doc
	}
	r.mu.Unlock()
	switch {
	case source == "":
		if t = r.standing(ctx, e); t == nil {
			return nil, nil, absence(id, e)
		}
		return t, nil, nil
	case file == nil:
		return nil, nil, neverValid(id)
	case e != nil && reservedFromFiles(e) != nil:
		return nil, nil, fault.New(fault.Conflict, "tenant %q comes from the file %s, and %w", id, source, reservedFromFiles(e)).At("tenant")
	}
	t = &tenant{id: id, source: source, doc: file, own: ownOfFile(e)}
	v, err := r.assess(ctx, id, t.docs(), NoTrial)
	if err != nil && ctx.Err() != nil {
		return nil, nil, err
	}
	t.effective, t.held, t.stuck = v.effective, v.held, v.err
	return t, file, nil
}

// judgeOwn checks a change of the tenant's own document; a nil one takes it away.
func (r *Registry) judgeOwn(ctx context.Context, before *tenant, doc *config.Document, o PutOptions) (accepted, error) {
	if doc != nil {
		return r.judge(ctx, before.id, doc, before.docs(), before.effective, o)
	}
	out := accepted{docs: config.Documents{Operator: before.doc}}
	var err error
	// It goes also from a tenant whose operator's document is not valid now.
	if out.verdict, err = r.assess(ctx, before.id, out.docs, NoTrial); err != nil && ctx.Err() != nil {
		return accepted{}, err
	}
	out.verdict.err = err
	return out, nil
}

// putOwnHere is putOwnStored for a registry without a ledger. For errOtherBase see putHere.
func (r *Registry) putOwnHere(ctx context.Context, id string, doc *config.Document, o PutOptions) (_ Tenant, _ *config.Effective, wait <-chan struct{}, _ error) {
	under := r.base()
	r.mu.Lock()
	t, ok := r.tenants[id]
	if !ok {
		r.mu.Unlock()
		return Tenant{}, nil, nil, unknown(id)
	}
	before := *t
	r.mu.Unlock()
	if before.doc == nil {
		return Tenant{}, nil, nil, neverValid(id)
	}
	if err := r.acceptsOwn(&before, o); err != nil {
		return Tenant{}, nil, nil, err
	}
	change, err := r.judgeOwn(ctx, &before, doc, o)
	if err != nil {
		return Tenant{}, nil, nil, err
	}
	if o.DryRun {
		return r.tagged(before.with(change).info(), change.docs), change.effective, nil, nil
	}
	info, wait, err := r.takeOwnHere(t, before, change, under)
	return r.tagged(info, change.docs), change.effective, wait, err
}

// takeOwnHere has what putOwnHere judged count, of a tenant that was as before.
func (r *Registry) takeOwnHere(t *tenant, before tenant, change accepted, under base) (_ Tenant, wait <-chan struct{}, _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if wait, err := r.writes.beginWriteLocked(t.id, under.number); err != nil {
		return Tenant{}, wait, err
	}
	defer r.writes.endWriteLocked(t.id)
	if r.tenants[t.id] != t || t.doc != before.doc || t.own != before.own {
		return Tenant{}, nil, errOtherBase // both were not checked together
	}
	t.own, t.updated = change.docs.Own, r.o.now()
	r.serve(t, change.verdict)
	info := t.info()
	info.Created = before.own == nil && t.own != nil
	return info, nil, nil
}

// neverValid is why a file's tenant can have no own settings.
func neverValid(id string) error {
	return fault.New(fault.Conflict, "the operator's file of tenant %q was never valid: own settings cannot be checked before it is mended", id).At("tenant")
}

// serve has a tenant served by what its documents make now. A tenant that is served goes
// on as it is while a plugin of its own settings is missing. The caller holds mu.
func (r *Registry) serve(t *tenant, v verdict) {
	t.held, t.stuck = v.held, v.err
	if v.effective == nil && t.effective != nil {
		return
	}
	changed := (t.effective == nil) != (v.effective == nil) || v.effective != nil && t.effective.Revision != v.effective.Revision
	t.effective = v.effective
	if changed {
		r.forget(t)
	}
}

// noteOwn takes what the ledger has of a file's tenant, judged with that document of its
// file; no verdict is one that the file's document alone did not come to. The caller
// holds mu.
func (r *Registry) noteOwn(id string, e *tenantstore.Entry, file *config.Document, v *verdict) {
	t := r.tenants[id]
	switch {
	case t == nil || t.source == SourceAPI:
		return
	case e == nil:
		t.known = t.heard == 0
		return
	case e.Version < t.version:
		return
	}
	lives := t.version == 0 || t.incarnation == e.Incarnation
	known := t.known || t.version > 0
	t.version, t.known, t.incarnation, t.storages = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages
	t.own, t.used = ownOfFile(e), r.o.now()
	if e.State != storage.TenantFromFile {
		t.storages, lives = nil, false // prepare says whether the file may have the id
	}
	if !lives {
		r.forget(t)
	}
	switch {
	case t.doc == nil: // it never was valid
	case t.doc != file:
		t.known = false // the file changed while it was judged
	case v != nil:
		if !known && v.effective == nil {
			t.effective = nil // what was made of the file alone was never to be served
		}
		r.serve(t, *v)
	}
}

// ownOfFile gives the own document of a file's tenant, of which e is what the ledger has.
func ownOfFile(e *tenantstore.Entry) *config.Document {
	if e == nil || e.State != storage.TenantFromFile {
		return nil
	}
	return e.Own
}

// RemoveOwn takes a tenant's own document away, and leaves the operator's. fault.NotFound
// also when there is none; fault.Conflict when ifMatch, if not empty, is not the revision.
func (r *Registry) RemoveOwn(ctx context.Context, id, ifMatch string) (Tenant, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, unknown(id)
	}
	t, _, err := r.Put(ctx, id, nil, PutOptions{Author: tenantstore.Tenant, IfMatch: ifMatch, Note: "own settings removed", removal: true})
	return t, err
}

// acceptsOwn reports whether the tenant's own document may be changed.
func (r *Registry) acceptsOwn(t *tenant, o PutOptions) error {
	switch {
	case o.removal && t.own == nil:
		return fault.New(fault.NotFound, "tenant %q has no own settings", t.id)
	case o.IfNone && t.own != nil:
		return fault.New(fault.Conflict, "tenant %q has own settings", t.id).At("If-None-Match")
	case !r.matches(t, o.IfMatch):
		return fault.New(fault.Conflict, "tenant %q is at revision %s", t.id, t.info().Revision).At("If-Match")
	}
	return nil
}

// with is the tenant after a change.
func (t *tenant) with(change accepted) *tenant {
	out := *t
	out.doc, out.own = change.docs.Operator, change.docs.Own
	out.effective, out.held, out.stuck = change.effective, change.held, change.err
	return &out
}

// docs are the tenant's documents.
func (t *tenant) docs() config.Documents { return config.Documents{Operator: t.doc, Own: t.own} }

// sameDocument reports whether two documents have the same content. A document that is
// empty is not one that is not there.
func sameDocument(a, b *config.Document) bool {
	return a == b || a != nil && b != nil && reflect.DeepEqual(a.Values(), b.Values())
}
