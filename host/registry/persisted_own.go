package registry

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// putOwn implements registrations.putOwn.
func (c *persistedCatalog) putOwn(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	if err := c.ensureFresh(ctx, id); err != nil {
		return Tenant{}, err
	}
	base := c.base().number
	var before *tenant
	var change accepted
	var shown Tenant
	put, err := c.change(ctx, id, changeOptions{conditional: o.IfMatch != "" || o.IfNone}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		var err error
		if before, err = c.before(ctx, id, e); err != nil {
			return nil, err
		}
		if err := c.mayChangeOwn(before, o); err != nil {
			return nil, err
		}
		if change, err = c.judgeOwn(ctx, before, doc, o); err != nil {
			return nil, err
		}
		if o.DryRun || sameDocument(before.own, change.docs.Own) {
			shown = before.with(change).describe()
			if e != nil {
				shown.Version, shown.UpdatedAt = e.Version, e.CreatedAt
			}
			if o.DryRun {
				shown.UpdatedAt = c.o.now()
			}
			return nil, nil
		}
		next := &tenantstore.Entry{State: storage.TenantFromFile}
		switch {
		case e == nil:
			// The first incarnation of a file's tenant has no id, as fileStorageNote explains.
		case e.State == storage.TenantPurged:
			next.Incarnation = newIncarnationID()
		default:
			*next = *e
		}
		next.Own, next.Author, next.Note = change.docs.Own, o.author(), o.Note
		next.OwnLiterals = next.Own.Marked()
		if change.effective != nil {
			used, can := c.o.Storage(change.effective), next.CanNoteOwn
			if before.effective != nil && c.o.Storage(before.effective).Digest == used.Digest {
				can = next.CanNote // the own settings do not change the storage
			}
			if err := can(used); err != nil {
				return nil, err
			}
		}
		return next, nil
	})
	if err != nil {
		return Tenant{}, err
	}
	if shown.ID != "" {
		return c.tagged(shown, change.docs), nil
	}
	c.mu.Lock()
	c.takePutLocked(id, put, before.fileDocument(), change.verdict, base)
	c.mu.Unlock()
	out := before.with(change).describe()
	out.Version, out.UpdatedAt, out.Created = put.Version, put.CreatedAt, before.own == nil
	return c.tagged(out, change.docs), nil
}

// before returns the tenant as it is before a change of its own document, without its err,
// because the change is checked anew. e is the tenant's entry in the tenant store. It is nil if
// there is none.
func (c *persistedCatalog) before(ctx context.Context, id string, e *tenantstore.Entry) (*tenant, error) {
	c.mu.Lock()
	var t *tenant
	if file := c.fileTenantLocked(id); file != nil {
		t = &tenant{id: id, source: file.source, doc: file.doc, own: ownOfFile(e)}
	}
	c.mu.Unlock()
	switch {
	case t == nil:
		if t = c.standing(ctx, e); t == nil {
			return nil, absence(id, e)
		}
		t.err = nil
		return t, nil
	case t.doc == nil:
		return nil, neverValid(id)
	case e != nil && reservedForFiles(e) != nil:
		return nil, fault.New(fault.Conflict, "tenant %q comes from a file, and %w", id, reservedForFiles(e)).At("tenant")
	}
	v, err := c.assess(ctx, id, t.docs(), NoTrial)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	t.effective, t.held, t.stuck = v.effective, v.held, v.err
	return t, nil
}

// takeFileEntryLocked copies the store's entry of a file's tenant to the tenantTable. It does
// nothing if no file of this host has the id. e is nil if the store has no entry. v is the
// verdict on file, the document of the file, together with the entry's own settings. v is nil
// if file alone is not valid. Locked: mu is held.
func (c *persistedCatalog) takeFileEntryLocked(id string, e *tenantstore.Entry, file *config.Document, v *verdict) {
	t := c.fileTenantLocked(id)
	switch {
	case t == nil:
		return
	case e == nil:
		t.known = t.heard == 0
		return
	case e.Version < t.version:
		return
	}
	same := t.version == 0 || t.incarnation == e.Incarnation
	known := t.known || t.version > 0
	t.version, t.known, t.incarnation, t.storages = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages
	t.own, t.used = ownOfFile(e), c.o.now()
	if e.State != storage.TenantFromFile {
		t.storages, same = nil, false // noteStorage decides whether the file may have the id
	}
	if !same {
		c.bots.ForgetLocked(id)
	}
	switch {
	case t.doc == nil: // the file was never valid
	case t.doc != file:
		t.known = false // the file changed during the check
	case v != nil:
		if !known && v.effective == nil {
			t.effective = nil // the file was served without the own settings, because they were not read yet
			c.bots.ForgetLocked(id)
		}
		c.serveLocked(t, *v)
	}
}

// ownOfFile returns the own document in e if e is the entry of a file's tenant. Otherwise it
// returns nil.
func ownOfFile(e *tenantstore.Entry) *config.Document {
	if e == nil || e.State != storage.TenantFromFile {
		return nil
	}
	return e.Own
}
