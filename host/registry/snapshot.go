package registry

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Snapshot is a view of all that a tenant has at one moment, for export, erase and purge. It
// must not be changed.
type Snapshot struct {
	Tenant string
	Source string // SourceAPI or the path of the file; empty for a file of another host
	State  storage.TenantState
	// Incarnation is the tenant's present incarnation. Its Storages are all storages that the
	// tenant's turns were written to, the newest first. But the storage in the tenant's
	// settings comes before all others.
	Incarnation tenantstore.Incarnation
	Former      []tenantstore.Incarnation // ended incarnations that are not erased yet
	Document    *config.Document          // the operator's document
	Own         *config.Document          // the tenant's own document; nil for none
	Effective   *config.Effective         // configuration of both documents; nil if they are not valid
	Secrets     []config.Path             // where Document has values that are known to be secret
	OwnSecrets  []config.Path             // where Own has values that are known to be secret
	Receipt     json.RawMessage           // receipt of a purge that has begun or is finished; nil for none
}

// Snapshot returns the snapshot of a tenant. The error is fault.NotFound if the id has neither
// a tenant nor data of an earlier one.
func (r *Registry) Snapshot(ctx context.Context, id string) (*Snapshot, error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	return r.catalog.snapshot(ctx, id)
}

// snapshotOf returns the snapshot of a tenant as it is in the tenantTable.
func (t *tenantTable) snapshotOf(n *tenant) *Snapshot {
	s := &Snapshot{Tenant: n.id, Source: n.source, State: storage.TenantActive, Document: n.doc, Own: n.own, Effective: n.effective, OwnSecrets: n.own.Marked()}
	if n.fromFile() {
		s.State = storage.TenantFromFile
	}
	s.putUsedStorageFirst(t.o.Storage)
	return s
}

// fileSnapshot returns the snapshot of a tenant of this host's files, as it is in the
// tenantTable. It returns nil if no file of this host has the id.
func (t *tenantTable) fileSnapshot(id string) *Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.fileTenantLocked(id); n != nil {
		return t.snapshotOf(n)
	}
	return nil
}

// putUsedStorageFirst moves the storage that the settings name to the front of
// Incarnation.Storages. If the storage is missing there, it is added, except for a removed
// tenant. putUsedStorageFirst also sets Secrets and OwnSecrets. of returns the storage that a
// configuration names.
func (s *Snapshot) putUsedStorageFirst(of func(*config.Effective) config.SealedBlock) {
	if s.Effective == nil || of == nil {
		return
	}
	operators, own := s.Effective.TenantSecrets()
	s.Secrets, s.OwnSecrets = operators.All(), append(s.OwnSecrets, own.All()...)
	block := of(s.Effective)
	at := slices.IndexFunc(s.Incarnation.Storages, func(b config.SealedBlock) bool { return b.Digest == block.Digest })
	if at < 0 && s.State == storage.TenantRemoved {
		return
	}
	storages := []config.SealedBlock{block}
	for i, b := range s.Incarnation.Storages {
		if i != at {
			storages = append(storages, b)
		}
	}
	s.Incarnation.Storages = storages
}

// snapshot implements snapshots.snapshot.
func (c *persistedCatalog) snapshot(ctx context.Context, id string) (*Snapshot, error) {
	file := c.fileSnapshot(id)
	e, err := c.store.Get(ctx, id)
	if err != nil {
		return nil, unreachable(err)
	}
	return c.join(ctx, id, file, e)
}

// join returns the snapshot of an id. e is the id's entry in the tenant store, and file is the
// snapshot of the id's file on this host. Each of them may be nil.
func (c *persistedCatalog) join(ctx context.Context, id string, file *Snapshot, e *tenantstore.Entry) (*Snapshot, error) {
	switch {
	case file == nil && e == nil:
		return nil, unknown(id)
	case file != nil && e == nil:
		return file, nil // the first incarnation of a file's tenant has no id
	case file != nil && reservedForFiles(e) != nil:
		return nil, fault.New(fault.Conflict, "tenant %q comes from the file %s, and %w", id, file.Source, reservedForFiles(e)).At("tenant")
	}
	s := &Snapshot{
		Tenant: id, Source: SourceAPI, State: e.State, Incarnation: tenantstore.Incarnation{ID: e.Incarnation, Storages: slices.Clone(e.Storages)},
		Former: e.Former, Document: e.Document, Own: e.Own, Secrets: e.Literals, OwnSecrets: e.OwnLiterals, Receipt: e.Receipt,
	}
	slices.Reverse(s.Incarnation.Storages)
	switch {
	case file != nil && e.State == storage.TenantPurged:
		// The tenant was not used after its purge, so it has no incarnation yet.
		s.Source, s.State, s.Receipt = file.Source, file.State, nil
		s.Incarnation = tenantstore.Incarnation{}
		s.Document, s.Own, s.Effective, s.Secrets, s.OwnSecrets = file.Document, nil, file.Effective, file.Secrets, nil
		return s, nil
	case file != nil:
		s.Source, s.Document, s.Effective = file.Source, file.Document, file.Effective
		if !sameDocument(e.Own, file.Own) { // the own settings have changed, or the tenantTable has not read them yet
			v, err := c.assess(ctx, id, config.Documents{Operator: file.Document, Own: e.Own}, NoTrial)
			if s.Effective = v.effective; err != nil && ctx.Err() != nil {
				return nil, err
			}
		}
	case e.State == storage.TenantFromFile:
		s.Source = ""
	case e.State == storage.TenantActive || e.State == storage.TenantRemoved:
		if s.Effective, _ = c.judgeEntry(ctx, e); ctx.Err() != nil {
			return nil, fault.Of(context.Cause(ctx)) // whether the settings are valid is unknown
		}
	}
	s.putUsedStorageFirst(c.o.Storage)
	return s, nil
}

// snapshotsAtOnce is how many registrations ForEachTenant reads in one page.
const snapshotsAtOnce = 500

// ForEachOptions say which tenants ForEachTenant visits, and how fast.
type ForEachOptions struct {
	// Wanted reports whether ForEachTenant visits a tenant with these documents.
	Wanted func(config.Documents) bool
	// Pause is called between two pages of the tenant store. took is how long the read of the
	// last page took. If Pause returns an error, ForEachTenant returns the error.
	Pause func(took time.Duration) error
}

// ForEachTenant calls do for every wanted tenant, served or removed, of which this host has a
// document. It may leave out tenants that are added or removed meanwhile. It returns the first
// error.
func (r *Registry) ForEachTenant(ctx context.Context, o ForEachOptions, do func(*Snapshot) error) error {
	r.mu.Lock()
	var here []string
	for id, t := range r.tenants {
		if r.catalog.keptInTable(t) && t.doc != nil && o.Wanted(t.docs()) {
			here = append(here, id)
		}
	}
	r.mu.Unlock()
	slices.Sort(here)
	for _, id := range here {
		s, err := r.Snapshot(ctx, id)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
			continue
		}
		if err == nil {
			err = do(s)
		}
		if err != nil {
			return err
		}
	}
	return r.catalog.forEachRegistered(ctx, here, o, do)
}

// forEachRegistered implements snapshots.forEachRegistered.
func (c *persistedCatalog) forEachRegistered(ctx context.Context, done []string, o ForEachOptions, do func(*Snapshot) error) error {
	for after, more := "", true; more; {
		var entries []*tenantstore.Entry
		var err error
		begun := time.Now()
		if entries, more, err = c.store.List(ctx, after, snapshotsAtOnce); err != nil {
			return unreachable(err)
		}
		if err := o.Pause(time.Since(begun)); err != nil {
			return err
		}
		for _, e := range entries {
			after = e.Tenant
			if _, visited := slices.BinarySearch(done, e.Tenant); visited || !o.Wanted(docsOf(e)) {
				continue
			}
			if err := c.visit(ctx, e, do); err != nil {
				return err
			}
		}
	}
	return nil
}

// visit calls do with the snapshot of a registration. It skips a tenant of which this host has
// no document.
func (c *persistedCatalog) visit(ctx context.Context, e *tenantstore.Entry, do func(*Snapshot) error) error {
	file := c.fileSnapshot(e.Tenant)
	if e.Document == nil && (file == nil || file.Document == nil) {
		return nil // the tenant comes from a file of another host
	}
	s, err := c.join(ctx, e.Tenant, file, e)
	if file != nil && fault.Is(err, fault.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return do(s)
}
