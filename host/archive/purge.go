package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Purge deletes everything of a tenant, in this order: no host serves it any longer; what
// its incarnations wrote is deleted in every storage; all versions of its registration are
// replaced by the receipt. Then the id is free. For a tenant that was purged before it
// returns the receipt of that purge.
//
// Errors: fault.NotFound; fault.Conflict for a tenant of a file on this host, or while
// another deletion of the tenant runs. After any other error the tenant stays removed, and
// the error names the storages that were not done. Calling Purge again continues, and the
// receipt has the counts of all calls.
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

// purgeData deletes what all incarnations of the tenant have in storages and in the memory.
func (a *Archive) purgeData(ctx context.Context, d *deleter, s *registry.Snapshot) error {
	incarnations := append(slices.Clone(s.Former), s.Incarnation)
	if err := d.deleteAll(ctx, incarnations, wholeIncarnation); err != nil {
		return err
	}
	if err := d.sweepUntracked(ctx, incarnations); err != nil {
		return err
	}
	var calls []sdk.Call
	for _, l := range incarnations {
		calls = append(calls, sdk.Call{Tenant: s.Tenant, Incarnation: l.ID})
	}
	return a.forget(ctx, s.Effective, calls...)
}

// purgeRegistration finishes the receipt and makes the registry replace all that it has of
// the tenant by it. If another host was first, the receipt of that host is returned.
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
