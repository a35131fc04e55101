package registry

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// PutOptions say how Put registers a tenant.
type PutOptions struct {
	Source  string // empty is SourceAPI
	IfMatch string // the Tag or Revision that the tenant must have, "*" for any; empty: no condition
	IfNone  bool   // the id must be free
	DryRun  bool   // validate only
	Note    string // why the change is made, for the history
	// Author says whose document is put; empty is the operator's. An own document can only be
	// put for a tenant that exists, of a file or registered, and the policy restricts it.
	Author Author
	// Patch says that the document is a JSON merge patch of the present one. A patch of the
	// operator's document needs a present one.
	Patch bool

	removal bool // the own document is removed
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

// Put registers the tenant, or replaces its settings. Running turns finish on the old ones.
// Invalid settings change nothing, and the error is config.Problems. The error is
// fault.Conflict if the id belongs to a file and is put over the API, or the other way round;
// if the id is reserved; or if IfMatch or IfNone does not hold. o.Source may name another file
// than the one that the tenant came from: then the tenant comes from that file from now on. Of
// all Puts of a free id, on all hosts, exactly one returns a Tenant with Created set.
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
// fault.NotFound if there is no such tenant or no own document, and fault.Conflict if ifMatch is
// not empty and not the tenant's Tag or Revision.
func (r *Registry) RemoveOwn(ctx context.Context, id, ifMatch string) (Tenant, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, unknown(id)
	}
	return r.Put(ctx, id, nil, PutOptions{Author: tenantstore.Tenant, IfMatch: ifMatch, Note: "own settings removed", removal: true})
}

// repeatPut calls put again as long as it returns an otherBaseError. If nobody has to be waited
// for, it gives up with fault.Conflict after the number of tries in contested.
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

// putInTable is Put for a tenant that is kept in the table alone: a file's or, without a tenant
// store, a registered one.
func (t *tenantTable) putInTable(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	return repeatPut(ctx, id, func() (Tenant, error) { return t.tryPutInTable(ctx, id, doc, o) })
}

// tryPutInTable checks a change and applies it. Its error is an otherBaseError if it has to be
// called again.
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

// takeJudged applies the change that tryPutInTable checked. before is the tenant that the table
// had at the check, or nil, and old are its documents.
func (t *tenantTable) takeJudged(next, before *tenant, old config.Documents, change accepted, under base, o PutOptions) (Tenant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.writes.beginWriteLocked(next.id, under.number); err != nil {
		return Tenant{}, err
	}
	defer t.writes.endWriteLocked(next.id)
	now := t.tenants[next.id]
	if now != before || now != nil && now.doc != old.Operator {
		// Somebody changed the tenant during the check: the conditions have to hold still.
		if err := t.mayReplace(now, next.id, o); err != nil {
			return Tenant{}, err
		}
		if o.Patch {
			return Tenant{}, &otherBaseError{} // the patch was applied to another document
		}
	}
	if now != nil && now.own != old.Own {
		return Tenant{}, &otherBaseError{} // the two documents were not checked together
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

// tagged sets the Tag of a tenant with those documents. Call it without mu: a digest of large
// documents takes long.
func (t *tenantTable) tagged(of Tenant, docs config.Documents) Tenant {
	if of.Tag = of.Revision; docs.Own != nil && t.o.Fingerprint != nil {
		of.Tag += "-" + t.o.Fingerprint(docs)
	}
	return of
}

// matches reports whether n satisfies a request's IfMatch.
func (t *tenantTable) matches(n *tenant, want string) bool {
	of := n.describe()
	return want == "" || want == "*" || want == of.Revision || want == t.tagged(of, n.docs()).Tag
}

// mayReplace returns an error if n may not be replaced. n is nil for a free id.
func (t *tenantTable) mayReplace(n *tenant, id string, o PutOptions) error {
	switch byFile := o.Source != SourceAPI; {
	case n == nil && o.Patch:
		return fault.New(fault.NotFound, "there is no tenant %q to patch", id)
	case n == nil && o.IfMatch != "":
		return fault.New(fault.Conflict, "there is no tenant %q to match", id).At("If-Match")
	case n == nil:
		return nil
	case n.fromFile() && byFile:
		// If two files have the id, package tenantdir has decided which of them counts.
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

// RefuseFile records that the file's settings of a tenant were refused with err. A tenant that
// was valid before is served as before. If the tenant comes from a file, it comes from the given
// source from now on, as with Put.
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

// DropFile stops serving the tenant if it comes from the source. Running turns finish, and
// conversations stay.
func (t *tenantTable) DropFile(id, source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.tenants[id]; ok && n.source == source {
		t.deleteLocked(n)
	}
}

// Remove stops serving a tenant that was registered over the API. Running turns finish, and
// conversations stay. With a tenant store the id stays reserved for them. The error is
// fault.NotFound, or fault.Conflict for a file's tenant and if ifMatch is not empty and not the
// tenant's Tag or Revision.
func (r *Registry) Remove(ctx context.Context, id, ifMatch string) error {
	return r.catalog.remove(ctx, id, ifMatch)
}
