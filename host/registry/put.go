package registry

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// PutOptions change how Put registers.
type PutOptions struct {
	Source  string // empty is SourceAPI
	IfMatch string // the Tag or Revision that must be registered, "*" for any; empty: whatever is
	IfNone  bool   // the id must be free
	DryRun  bool   // validate only
	Note    string // why it is done, for the history
	// Author says whose document is put; empty is the operator's. The tenant's own is put for
	// a tenant that is there, of a file or registered, and is bound by the policy.
	Author Author
	// Patch says that the document is a JSON merge patch of the one that is there. For the
	// operator's document there has to be one.
	Patch bool

	removal bool // of the own document
}

// Author is who changes a tenant.
type Author = tenantstore.Author

// author returns Author with its default.
func (o PutOptions) author() Author {
	if o.Author == "" {
		return tenantstore.Operator
	}
	return o.Author
}

// Put registers the tenant, or replaces its settings. Turns at work finish on the old ones.
// Invalid settings change nothing; they are config.Problems. The error is fault.Conflict when
// the id is a file's and is put over the API, or the other way round, when it is reserved, or
// when IfMatch or IfNone do not hold. A tenant of a file may come from another file from then
// on. Of all Puts of a free id, on all hosts, exactly one returns a Tenant with Created set.
func (r *Registry) Put(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, fault.New(fault.Invalid, "%w", err).At("tenant")
	}
	if o.Source == "" {
		o.Source = SourceAPI
	}
	put := r.catalog.putRegistered
	switch {
	case o.Author == tenantstore.Tenant:
		put = r.catalog.putOwn
	case o.Source != SourceAPI:
		put = r.putInTable
	}
	return put(ctx, id, doc, o)
}

// RemoveOwn removes a tenant's own document, and leaves the operator's. The error is
// fault.NotFound also when there is none, and fault.Conflict when ifMatch is neither empty nor
// the tenant's Tag or Revision.
func (r *Registry) RemoveOwn(ctx context.Context, id, ifMatch string) (Tenant, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, unknown(id)
	}
	return r.Put(ctx, id, nil, PutOptions{Author: tenantstore.Tenant, IfMatch: ifMatch, Note: "own settings removed", removal: true})
}

// repeatPut calls put until the settings that it checked were checked under the base that
// counts when they are taken; see otherBaseError.
func repeatPut(ctx context.Context, id string, put func() (Tenant, error)) (Tenant, error) {
	for try := 1; ; try++ {
		t, err := put()
		var other *otherBaseError
		switch {
		case !errors.As(err, &other):
			return t, err
		case other.wait == nil && try >= contested:
			return Tenant{}, fault.New(fault.Conflict, "tenant %q was changed by somebody else meanwhile", id).At("If-Match")
		}
		if err := await(ctx, other.wait); err != nil {
			return Tenant{}, err
		}
	}
}

// putInTable is Put for a tenant that is kept in the table alone: a file's, and without a
// tenant store a registered one.
func (t *tenantTable) putInTable(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	return repeatPut(ctx, id, func() (Tenant, error) { return t.tryPutInTable(ctx, id, doc, o) })
}

// tryPutInTable judges a change and takes it, or returns an otherBaseError.
func (t *tenantTable) tryPutInTable(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	under := t.base()
	t.mu.Lock()
	before := t.tenants[id]
	var old config.Documents
	var was *config.Effective
	var seen *tenant
	if before != nil {
		old, was = before.docs(), before.effective
		now := *before
		seen = &now
	}
	t.mu.Unlock()
	if err := t.mayReplace(seen, id, o); err != nil {
		return Tenant{}, err
	}
	change, err := t.judge(ctx, id, doc, old, was, o)
	if err != nil {
		return Tenant{}, err
	}
	next := (&tenant{id: id, source: o.Source, updated: t.o.now()}).with(change)
	if o.DryRun {
		return t.tagged(next.describe(), change.docs), nil
	}
	out, err := t.takeJudged(next, before, old, change, under, o)
	return t.tagged(out, change.docs), err
}

// takeJudged takes what tryPutInTable judged. before is the tenant that was there then, and
// old are its documents.
func (t *tenantTable) takeJudged(next, before *tenant, old config.Documents, change accepted, under base, o PutOptions) (Tenant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.writes.beginWriteLocked(next.id, under.number); err != nil {
		return Tenant{}, err
	}
	defer t.writes.endWriteLocked(next.id)
	now := t.tenants[next.id]
	if now != before || now != nil && now.doc != old.Operator {
		// Somebody changed it while it was judged: the conditions have to hold still.
		if err := t.mayReplace(now, next.id, o); err != nil {
			return Tenant{}, err
		}
		if o.Patch {
			return Tenant{}, &otherBaseError{} // it is a patch of another document
		}
	}
	if now != nil && now.own != old.Own {
		return Tenant{}, &otherBaseError{} // the two documents were not judged together
	}
	if now == nil {
		t.insertLocked(next)
		created := next.describe()
		created.Created = true
		return created, nil
	}
	now.source, now.doc, now.updated = o.Source, next.doc, next.updated
	t.setErrLocked(now, nil)
	t.serveLocked(now, change.verdict)
	return t.describeLocked(now), nil
}

// tagged sets the Tag of a tenant with those documents. mu is not held: they may be large.
func (t *tenantTable) tagged(of Tenant, docs config.Documents) Tenant {
	if of.Tag = of.Revision; docs.Own != nil && t.o.Fingerprint != nil {
		of.Tag += "-" + t.o.Fingerprint(docs)
	}
	return of
}

// matches reports whether n is what a request's IfMatch wants.
func (t *tenantTable) matches(n *tenant, want string) bool {
	of := n.describe()
	return want == "" || want == "*" || want == of.Revision || want == t.tagged(of, n.docs()).Tag
}

// mayReplace returns why n may not be replaced; n is nil for a free id.
func (t *tenantTable) mayReplace(n *tenant, id string, o PutOptions) error {
	switch byFile := o.Source != SourceAPI; {
	case n == nil && o.Patch:
		return fault.New(fault.NotFound, "there is no tenant %q to patch", id)
	case n == nil && o.IfMatch != "":
		return fault.New(fault.Conflict, "there is no tenant %q to match", id).At("If-Match")
	case n == nil:
		return nil
	case n.fromFile() && byFile:
		// Which of two files brings a tenant is decided by whoever follows the files.
	case n.fromFile():
		return fault.New(fault.Conflict, "tenant %q comes from the file %s: change it there", id, n.source).At("tenant")
	case byFile:
		return fault.New(fault.Conflict, "tenant %q is registered over the API: remove it there first", id).At("tenant")
	case o.IfNone:
		return fault.New(fault.Conflict, "tenant %q exists", id).At("If-None-Match")
	case !t.matches(n, o.IfMatch):
		return fault.New(fault.Conflict, "tenant %q is at revision %s", id, n.describe().Revision).At("If-Match")
	}
	return nil
}

// RefuseFile takes down that a file brings a tenant that cannot be served. A tenant that was
// valid before goes on with what it had. A tenant of a file comes from that source from then
// on, as with Put.
func (t *tenantTable) RefuseFile(id, source string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, ok := t.tenants[id]
	if !ok {
		n = &tenant{id: id, source: source}
		t.insertLocked(n)
	}
	if n.fromFile() {
		n.source = source
	}
	n.updated = t.o.now()
	t.setErrLocked(n, err)
}

// DropFile stops serving the tenant if it comes from the source. Turns at work finish, and
// conversations stay.
func (t *tenantTable) DropFile(id, source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.tenants[id]; ok && n.source == source {
		t.deleteLocked(n)
	}
}

// Remove stops serving a tenant that was registered over the API. Turns at work finish, and
// conversations stay. With a tenant store the id stays reserved for them. The error is
// fault.NotFound, or fault.Conflict for a file's tenant, and when ifMatch is neither empty nor
// the tenant's Tag or Revision.
func (r *Registry) Remove(ctx context.Context, id, ifMatch string) error {
	return r.catalog.remove(ctx, id, ifMatch)
}
