package registry

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// PutOptions are the options of Put.
type PutOptions struct {
	Source  string // SourceAPI or the path of a tenant file; empty means SourceAPI
	IfMatch string // the Tag or Revision that the tenant must have; "*" for any; empty for no condition
	IfNone  bool   // the document to put must not exist yet
	DryRun  bool   // check the settings, and change nothing
	Note    string // why the change is made, for the history
	// Author says which document is put: the operator's or the tenant's own. Empty means the
	// operator's. An own document can be put only for an existing tenant, which may be
	// registered or come from a file. The policy restricts own documents.
	Author Author
	// Patch says that the document is a JSON merge patch of the present document. A patch of
	// the operator's document needs an existing tenant.
	Patch bool

	removal bool // remove the own document
}

// Author says who changes a tenant: the operator or the tenant itself.
type Author = tenantstore.Author

// author returns Author. It returns tenantstore.Operator if Author is empty.
func (o PutOptions) author() Author {
	if o.Author == "" {
		return tenantstore.Operator
	}
	return o.Author
}

// Put registers a tenant, or replaces its settings. Running turns finish with the old settings.
// If the settings are invalid, Put changes nothing, and the error is config.Problems. The error
// is fault.Conflict if the id belongs to a file and the Put comes over the API, or if the id is
// registered over the API and the Put comes from a file. It is also fault.Conflict if the id is
// reserved, or if IfMatch or IfNone does not hold. If o.Source names another file than the
// present source of the tenant, the tenant comes from that file from then on. Of all Puts of a
// free id, on all hosts, exactly one returns a Tenant with Created set.
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

// RemoveOwn removes a tenant's own document, and does not change the operator's document. The
// error is fault.NotFound if the tenant or its own document does not exist. It is
// fault.Conflict if ifMatch is not empty and is neither the tenant's Tag nor its Revision.
func (r *Registry) RemoveOwn(ctx context.Context, id, ifMatch string) (Tenant, error) {
	if err := config.ValidTenantID(id); err != nil {
		return Tenant{}, unknown(id)
	}
	return r.Put(ctx, id, nil, PutOptions{Author: tenantstore.Tenant, IfMatch: ifMatch, Note: "own settings removed", removal: true})
}

// repeatPut calls put until put returns something other than an otherBaseError. Before a
// repeated call it waits for the error's wait. If the error has no wait, repeatPut gives up
// with fault.Conflict after as many calls as contested says.
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

// putInTable is Put for a tenant that is only in the tenantTable. That is a tenant of a file
// or, without a tenant store, a registered tenant.
func (t *tenantTable) putInTable(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	return repeatPut(ctx, id, func() (Tenant, error) { return t.tryPutInTable(ctx, id, doc, o) })
}

// tryPutInTable checks a change of a tenant and applies it. Its error is an otherBaseError if
// the caller must call tryPutInTable again.
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

// takeJudged applies the change that tryPutInTable has checked. before is the tenant that the
// tenantTable had at the check, or nil. old has the documents of before.
func (t *tenantTable) takeJudged(next, before *tenant, old config.Documents, change accepted, under base, o PutOptions) (Tenant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.writes.beginWriteLocked(next.id, under.number); err != nil {
		return Tenant{}, err
	}
	defer t.writes.endWriteLocked(next.id)
	now := t.tenants[next.id]
	if now != before || now != nil && now.doc != old.Operator {
		// Another call changed the tenant during the check, so the conditions are checked
		// again.
		if err := t.mayReplace(now, next.id, o); err != nil {
			return Tenant{}, err
		}
		if o.Patch {
			return Tenant{}, &otherBaseError{} // the document to patch changed after the check
		}
	}
	if now != nil && now.own != old.Own {
		return Tenant{}, &otherBaseError{} // the own document changed after the check
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

// tagged returns of with its Tag set. docs are the tenant's documents. Call tagged without mu,
// because the digest of large documents takes long.
func (t *tenantTable) tagged(of Tenant, docs config.Documents) Tenant {
	if of.Tag = of.Revision; docs.Own != nil && t.o.Fingerprint != nil {
		of.Tag += "-" + t.o.Fingerprint(docs)
	}
	return of
}

// matches reports whether n satisfies want, the IfMatch of a request.
func (t *tenantTable) matches(n *tenant, want string) bool {
	of := n.describe()
	return want == "" || want == "*" || want == of.Revision || want == t.tagged(of, n.docs()).Tag
}

// mayReplace returns an error if a Put with the options o must not replace n. n is nil for a
// free id.
func (t *tenantTable) mayReplace(n *tenant, id string, o PutOptions) error {
	if n == nil {
		switch {
		case o.Patch:
			return fault.New(fault.NotFound, "there is no tenant %q to patch", id)
		case o.IfMatch != "":
			return fault.New(fault.Conflict, "there is no tenant %q to match", id).At("If-Match")
		}
		return nil
	}
	if err := n.mayComeFrom(o.Source); err != nil {
		return err
	}
	switch {
	case o.IfNone:
		return fault.New(fault.Conflict, "tenant %q exists", id).At("If-None-Match")
	case !t.matches(n, o.IfMatch):
		return fault.New(fault.Conflict, "tenant %q is at revision %s", id, n.describe().Revision).At("If-Match")
	}
	return nil
}

// RefuseFile records that the settings in a tenant file were refused with err. If the tenant
// was valid before, it is served with the earlier settings. If the tenant comes from a file,
// source becomes the tenant's source.
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

// DropFile stops serving the tenant if it comes from the source. Running turns finish, and the
// tenant's conversations stay.
func (t *tenantTable) DropFile(id, source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.tenants[id]; ok && n.source == source {
		t.deleteLocked(n)
	}
}

// Remove stops serving a tenant that was registered over the API. Running turns finish, and the
// tenant's conversations stay. With a tenant store, the id stays reserved for these
// conversations. The error is fault.NotFound for an unknown tenant. It is fault.Conflict for a
// file's tenant, and if ifMatch is not empty and is neither the tenant's Tag nor its Revision.
func (r *Registry) Remove(ctx context.Context, id, ifMatch string) error {
	return r.catalog.remove(ctx, id, ifMatch)
}
