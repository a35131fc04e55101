package registry

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// putRegistered implements registrations.putRegistered.
func (c *persistedCatalog) putRegistered(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	if err := c.notOfFile(id); err != nil {
		return Tenant{}, err
	}
	base := c.base().number
	var change accepted
	var shown Tenant
	var created bool
	put, err := c.change(ctx, id, changeOptions{conditional: o.IfMatch != "" || o.IfNone}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		standing := c.standing(ctx, e)
		if err := reserved(id, e); err != nil {
			return nil, err
		}
		if err := c.mayReplace(standing, id, o); err != nil {
			return nil, err
		}
		created = standing == nil
		var old config.Documents
		var was *config.Effective
		next := &tenantstore.Entry{State: storage.TenantActive, Incarnation: newIncarnationID(), Note: o.Note, Author: o.author()}
		if standing != nil {
			old, was = standing.docs(), standing.effective
			next.Own, next.OwnLiterals = e.Own, e.OwnLiterals
			next.Incarnation, next.Storages, next.Former = e.Incarnation, e.Storages, e.Former
		}
		same := false
		err := c.o.Slots.Do(ctx, id, func(ctx context.Context) (err error) {
			if change, err = c.judge(ctx, id, doc, old, was, o); err != nil {
				return err
			}
			next.Document, next.Literals = change.docs.Operator, change.literals
			if change.effective != nil {
				used := c.o.Storage(change.effective)
				if err := next.CanNote(used); err != nil {
					return err
				}
				if created {
					// No turns were written to the storage yet. But most tenants keep their
					// first storage, so recording the storage now saves a version. noteStorage
					// records a later storage before its first turn.
					next.Storages = []config.SealedBlock{used}
				}
			}
			same = standing != nil && sameDocument(old.Operator, next.Document)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if o.DryRun || same {
			shown = (&tenant{id: id, source: SourceAPI, updated: c.o.now()}).with(change).describe()
			if standing != nil {
				shown.Version, shown.UpdatedAt = e.Version, e.CreatedAt
			}
			return nil, nil
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
	c.takePutLocked(id, put, nil, change.verdict, base)
	c.mu.Unlock()
	out := asPut(id, put, change.effective)
	out.Created = created
	return c.tagged(out, change.docs), nil
}

// asPut describes the registered tenant of an entry that was just stored.
func asPut(id string, put *tenantstore.Entry, effective *config.Effective) Tenant {
	t := tenant{
		id: id, source: SourceAPI, doc: put.Document, own: put.Own, held: put.Held, err: put.Err, effective: effective,
		version: put.Version, updated: put.CreatedAt,
	}
	return t.describe()
}

// standing returns the active tenant of an entry, with its settings checked. It returns nil if
// e is nil or the tenant is not active.
func (c *persistedCatalog) standing(ctx context.Context, e *tenantstore.Entry) *tenant {
	if e == nil || e.State != storage.TenantActive {
		return nil
	}
	effective, _ := c.judgeEntry(ctx, e)
	return &tenant{id: e.Tenant, source: SourceAPI, doc: e.Document, own: e.Own, effective: effective, held: e.Held, err: e.Err, version: e.Version, updated: e.CreatedAt}
}

// notOfFile returns an error if a file of this host has the id.
func (c *persistedCatalog) notOfFile(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tenants[id]; t != nil {
		return t.mayComeFrom(SourceAPI)
	}
	return nil
}

// reserved returns an error if the id is reserved for the conversations of an earlier tenant.
func reserved(id string, e *tenantstore.Entry) error {
	switch {
	case e == nil:
		return nil
	case e.State == storage.TenantRemoved:
		return fault.New(fault.Conflict, "tenant %q was removed, and its id is reserved for what it wrote: restore it, or purge it first", id).At("tenant")
	case e.State == storage.TenantFromFile:
		return fault.New(fault.Conflict, "tenant %q is or was one of a file, and its id is reserved for what it wrote: purge it first", id).At("tenant")
	}
	return nil
}

// remove implements registrations.remove.
func (c *persistedCatalog) remove(ctx context.Context, id, ifMatch string) error {
	if err := c.notOfFile(id); err != nil {
		return err
	}
	put, err := c.change(ctx, id, changeOptions{conditional: ifMatch != ""}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		standing := c.standing(ctx, e)
		if standing == nil {
			return nil, absence(id, e)
		}
		if err := c.mayReplace(standing, id, PutOptions{Source: SourceAPI, IfMatch: ifMatch}); err != nil {
			return nil, err
		}
		next := *e
		next.State, next.Note, next.Author = storage.TenantRemoved, "removed", tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeEntryLocked(id, put, nil)
	return nil
}

// restore implements histories.restore.
func (c *persistedCatalog) restore(ctx context.Context, id string) (Tenant, error) {
	if err := c.notOfFile(id); err != nil {
		return Tenant{}, err
	}
	base := c.base().number
	var v verdict
	put, err := c.change(ctx, id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil || e.State == storage.TenantPurged:
			return nil, unknown(id)
		case e.State != storage.TenantRemoved:
			return nil, fault.New(fault.Conflict, "tenant %q is not removed", id).At("tenant")
		case e.Receipt != nil || e.Document == nil:
			return nil, fault.New(fault.Conflict, "a purge of tenant %q has begun and is not done: repeat it", id).At("tenant")
		case e.Err != nil:
			return nil, e.Err
		}
		var err error
		if v, err = c.assess(ctx, id, docsOf(e), FullTrial); err != nil {
			return nil, err
		}
		next := *e
		next.State, next.Note, next.Author = storage.TenantActive, "restored", tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return Tenant{}, err
	}
	c.mu.Lock()
	c.takePutLocked(id, put, nil, v, base)
	c.mu.Unlock()
	return c.tagged(asPut(id, put, v.effective), docsOf(put)), nil
}

// idTaken implements registrations.idTaken.
func (c *persistedCatalog) idTaken(ctx context.Context, id string) error {
	if c.store.Empty() {
		return nil
	}
	e, err := c.store.Get(ctx, id)
	if err != nil || e == nil {
		return nil
	}
	return reservedForFiles(e)
}

// reservedForFiles returns an error if a tenant file must not use the entry's id.
func reservedForFiles(e *tenantstore.Entry) error {
	switch e.State {
	case storage.TenantActive:
		return takenByAPI()
	case storage.TenantRemoved:
		return errors.New("the id is reserved for what a removed tenant wrote: restore it over the API, or purge it first")
	}
	return nil
}
