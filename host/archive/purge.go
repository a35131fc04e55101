package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Purge deletes everything of a tenant in three steps. First the hosts stop serving the tenant.
// Then Purge deletes the conversations of all its incarnations in every storage. Then the
// registry replaces all versions of the registration by the receipt, and the id is free. For a
// tenant that is already purged, Purge returns the receipt of that purge.
//
// Purge returns fault.NotFound for an unknown tenant. It returns fault.Conflict for a tenant of
// a file on this host, and while another deletion of the tenant runs. After any other error the
// tenant stays removed, and the error names the storages in which the deletion failed. The
// caller calls Purge again to continue. The receipt has the counts of all calls.
func (a *Archive) Purge(ctx context.Context, id string, o DeletionOptions) (*Receipt, error) {
	unlock, err := a.lockTenant(id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := a.o.Registry.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := o.validate(append(slices.Clone(s.Former), s.Incarnation)); err != nil {
		return nil, err
	}
	begun := (&Receipt{Tenant: id, BegunAt: a.o.timing.now().UTC(), Storages: Counts{}}).json()
	if s, err = a.o.Registry.BeginPurge(ctx, id, begun); err != nil {
		return nil, err
	}
	r, err := parseReceipt(s.Receipt)
	if err != nil || s.State == storage.TenantPurged {
		return r, err
	}
	r.Tenant, r.Incarnation = id, s.Incarnation.ID
	d := &deleter{a: a, tenant: id, o: o, counts: &r.Storages}
	d.storageDone = func() { a.saveReceipt(ctx, r) }
	if err := a.purgeData(ctx, d, s); err != nil {
		a.saveReceipt(ctx, r)
		f := *fault.Of(err)
		f.Message += "; the tenant stays removed until the purge is repeated"
		f.Err = err
		return nil, &f
	}
	return a.purgeRegistration(ctx, r)
}

// purgeData deletes the data of all incarnations of the tenant from the storages and the
// memory.
func (a *Archive) purgeData(ctx context.Context, d *deleter, s *registry.Snapshot) error {
	incarnations := append(slices.Clone(s.Former), s.Incarnation)
	if err := d.deleteAll(ctx, incarnations, wholeIncarnation); err != nil {
		return err
	}
	if err := d.sweepUntracked(ctx, incarnations); err != nil {
		return err
	}
	return d.forgetIncarnations(ctx, s.Effective, incarnations)
}

// purgeRegistration completes the receipt, and makes the registry replace the tenant's
// registration by the receipt. If another host has done so already, purgeRegistration returns
// the receipt of that host.
func (a *Archive) purgeRegistration(ctx context.Context, r *Receipt) (*Receipt, error) {
	var err error
	if r.Versions, err = a.o.Registry.CountVersions(ctx, r.Tenant); err != nil {
		return nil, err
	}
	now := a.o.timing.now().UTC()
	r.DoneAt = &now
	r.Conversations, r.Turns = r.Storages.Total()
	note := fmt.Sprintf("purged: %d conversations, %d turns, %d versions", r.Conversations, r.Turns, r.Versions)
	kept, err := a.o.Registry.FinishPurge(ctx, r.Tenant, r.json(), note)
	if err != nil {
		return nil, err
	}
	a.o.Log.Info("a tenant was purged", "tenant", r.Tenant, "conversations", r.Conversations, "turns", r.Turns, "versions", r.Versions)
	return parseReceipt(kept)
}
