package registry

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// NewIncarnation ends the present incarnation of a tenant on all hosts, and begins a new, empty
// one. It returns the tenant's snapshot from before the change, with the ended incarnation as
// the last of Former. The caller erases the incarnations in Former and then calls ForgetFormer.
// If the catalog does not track incarnations, the present incarnation does not end, but Former
// has it too. The error is fault.NotFound for an unknown tenant. It is fault.Conflict if too
// many former incarnations are not erased yet, or if a purge has begun.
func (r *Registry) NewIncarnation(ctx context.Context, id string) (*Snapshot, error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	return r.catalog.newIncarnation(ctx, id)
}

// ForgetFormer removes the former incarnations with the ids in erased from the tenant's
// registration. Call it after the conversations of these incarnations are deleted.
func (r *Registry) ForgetFormer(ctx context.Context, id string, erased []string, note string) error {
	return r.catalog.forgetFormer(ctx, id, erased, note)
}

// newIncarnation implements incarnations.newIncarnation.
func (c *persistedCatalog) newIncarnation(ctx context.Context, id string) (*Snapshot, error) {
	var ended *Snapshot
	put, err := c.change(ctx, id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		file := c.fileSnapshot(id)
		s, err := c.join(ctx, id, file, e)
		switch {
		case err != nil:
			return nil, err
		case s.State == storage.TenantPurged:
			return nil, unknown(id)
		case s.State == storage.TenantRemoved && s.Receipt != nil:
			return nil, fault.New(fault.Conflict, "a purge of tenant %q has begun and is not done: repeat it", id).At("tenant")
		}
		ended = s
		switch {
		case e != nil && e.State == storage.TenantPurged:
			return nil, nil // a file's tenant that was not used since its purge has nothing to erase
		case e != nil && e.Incarnation != "" && len(e.Storages) == 0:
			return nil, nil // no turns were written under the present incarnation
		case len(s.Former) >= bounds.MaxEarlierIncarnations:
			return nil, fault.New(fault.Conflict, "%d earlier incarnations of tenant %q are not erased yet, since storages that they were written to do not answer: bring those back, or abandon them", len(s.Former), id).At("tenant")
		}
		next := &tenantstore.Entry{State: storage.TenantFromFile}
		if e != nil {
			*next = *e
		}
		next.Incarnation, next.Note, next.Author = newIncarnationID(), "a new incarnation, to erase what was before", tenantstore.Operator
		s.Former = append(slices.Clone(s.Former), s.Incarnation)
		next.Former, next.Storages = s.Former, nil
		return next, nil
	})
	if err != nil {
		return nil, err
	}
	c.takePut(id, put, ended.Effective)
	return ended, nil
}

// takePut copies to the tenantTable an entry that this host has just stored. The tenant may be
// registered or come from a file. put is nil if the tenant store has no entry.
func (c *persistedCatalog) takePut(id string, put *tenantstore.Entry, effective *config.Effective) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.fileTenantLocked(id); t != nil {
		if put != nil && put.Version > t.version {
			c.takeIncarnationLocked(t, put)
			c.bots.ForgetLocked(id)
		}
		return
	}
	c.takeEntryLocked(id, put, effective)
}

// forgetFormer implements incarnations.forgetFormer.
func (c *persistedCatalog) forgetFormer(ctx context.Context, id string, erased []string, note string) error {
	_, err := c.change(ctx, id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		if e == nil {
			return nil, nil
		}
		next := *e
		next.Note, next.Author = note, ""
		next.Former = slices.DeleteFunc(slices.Clone(e.Former), func(i tenantstore.Incarnation) bool { return slices.Contains(erased, i.ID) })
		if len(next.Former) == len(e.Former) {
			return nil, nil
		}
		return &next, nil
	})
	return err
}
