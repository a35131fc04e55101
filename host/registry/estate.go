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

// Snapshot is what an id has: what operations on the whole of a tenant work on. It is
// as it was when it was asked for, and nobody changes it.
type Snapshot struct {
	Tenant string
	Source string // SourceAPI, or the file; empty for another host's file
	State  storage.TenantState
	// Incarnation is the present one. Its storages are all that it was written to, the newest
	// first, but before them the one that the settings name.
	Incarnation tenantstore.Incarnation
	Former      []tenantstore.Incarnation // earlier lives that are being erased
	Document    *config.Document          // the operator's
	Own         *config.Document          // the tenant's own; nil for none
	Effective   *config.Effective         // what both make; nil if nothing
	Secrets     []config.Path             // in Document, that are known to be secret
	// OwnSecrets are those in Own.
	OwnSecrets []config.Path
	Receipt    json.RawMessage // of a purge, done or begun
}

// Snapshot answers what an id has. fault.NotFound for one that nothing is known of.
func (r *Registry) Snapshot(ctx context.Context, id string) (*Snapshot, error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	file, other := r.here(id)
	if r.o.Store == nil {
		if file != nil {
			return file, nil
		}
		if other != nil {
			return other, nil
		}
		return nil, unknown(id)
	}
	e, err := r.o.Store.Get(ctx, id)
	if err != nil {
		return nil, unreachable(err)
	}
	return r.estate(ctx, id, file, e)
}

// here is what this host has of an id without asking a ledger: of a file's tenant,
// and, where there is no ledger, of one that was registered.
func (r *Registry) here(id string) (file, other *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tenants[id]
	switch {
	case t == nil && r.o.Store == nil:
		return nil, r.leaving[id]
	case t == nil || r.o.Store != nil && t.source == SourceAPI:
		return nil, nil
	}
	s := &Snapshot{Tenant: id, Source: t.source, State: storage.TenantActive, Document: t.doc, Own: t.own, Effective: t.effective, OwnSecrets: t.own.Marked()}
	if t.source != SourceAPI {
		s.State = storage.TenantFromFile
	}
	s.used(r.o.Storage)
	if t.source == SourceAPI {
		return nil, s
	}
	return s, nil
}

// used puts the storage that the settings name before the others, and among them
// unless the tenant is not served.
func (s *Snapshot) used(of func(*config.Effective) config.SealedBlock) {
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

// estate joins what the ledger has of an id with the file that this host serves it
// from, if it does.
func (r *Registry) estate(ctx context.Context, id string, file *Snapshot, e *tenantstore.Entry) (*Snapshot, error) {
	switch {
	case file == nil && e == nil:
		return nil, unknown(id)
	case file != nil && e == nil:
		return file, nil // its first life has no name
	case file != nil && reservedFromFiles(e) != nil:
		return nil, fault.New(fault.Conflict, "tenant %q comes from the file %s, and %w", id, file.Source, reservedFromFiles(e)).At("tenant")
	}
	s := &Snapshot{
		Tenant: id, Source: SourceAPI, State: e.State, Incarnation: tenantstore.Incarnation{ID: e.Incarnation, Storages: slices.Clone(e.Storages)},
		Former: e.Former, Document: e.Document, Own: e.Own, Secrets: e.Literals, OwnSecrets: e.OwnLiterals, Receipt: e.Receipt,
	}
	slices.Reverse(s.Incarnation.Storages)
	switch {
	case file != nil && e.State == storage.TenantPurged:
		// It was not used since: there is no life yet.
		s.Source, s.State, s.Receipt = file.Source, file.State, nil
		s.Incarnation = tenantstore.Incarnation{}
		s.Document, s.Own, s.Effective, s.Secrets, s.OwnSecrets = file.Document, nil, file.Effective, file.Secrets, nil
		return s, nil
	case file != nil:
		s.Source, s.Document, s.Effective = file.Source, file.Document, file.Effective
		if !sameDocument(e.Own, file.Own) { // it changed, or was not asked for yet
			v, err := r.assess(ctx, id, config.Documents{Operator: file.Document, Own: e.Own}, NoTrial)
			if s.Effective = v.effective; err != nil && ctx.Err() != nil {
				return nil, err
			}
		}
	case e.State == storage.TenantFromFile:
		s.Source = ""
	case e.State == storage.TenantActive || e.State == storage.TenantRemoved:
		if s.Effective, _ = r.read(ctx, e); ctx.Err() != nil {
			return nil, fault.Of(context.Cause(ctx)) // else it may look as if its settings made nothing
		}
	}
	s.used(r.o.Storage)
	return s, nil
}

// WriteTarget is where turns of a tenant are written to.
type WriteTarget struct {
	Incarnation string // id of the tenant's present incarnation; empty if it is not tracked
	Storage     config.SealedBlock
}

// WriteTarget returns where turns of a served tenant are written to. It returns after the
// tenant store knows that this storage is used. The error is fault.NotFound for an unknown
// tenant, and fault.Invalid for one without valid settings.
func (r *Registry) WriteTarget(ctx context.Context, id string) (WriteTarget, error) {
	if err := r.bring(ctx, id); err != nil {
		return WriteTarget{}, err
	}
	r.mu.Lock()
	t, err := r.servable(id)
	var effective *config.Effective
	if err == nil {
		effective = t.effective
	}
	r.mu.Unlock()
	if err != nil {
		return WriteTarget{}, err
	}
	incarnation, err := r.prepare(ctx, t, effective)
	if err != nil {
		return WriteTarget{}, err
	}
	return WriteTarget{Incarnation: incarnation, Storage: r.o.Storage(effective)}, nil
}

// snapshotsAtOnce bounds what ForEachTenant holds of the ledger.
const snapshotsAtOnce = 500

// ForEachTenant calls do for every tenant, served or removed, of which one of its documents
// is here and wanted. Tenants that come or go meanwhile may be left out. Between two pages of the
// ledger it calls pause with what the last one took. It ends with the first error.
func (r *Registry) ForEachTenant(ctx context.Context, wanted func(config.Documents) bool, pause func(time.Duration) error, do func(*Snapshot) error) error {
	r.mu.Lock()
	var here []string
	for id, t := range r.tenants {
		if (r.o.Store == nil || t.source != SourceAPI) && t.doc != nil && wanted(t.docs()) {
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
	if r.o.Store == nil {
		return nil
	}
	for after, more := "", true; more; {
		var entries []*tenantstore.Entry
		var err error
		begun := time.Now()
		if entries, more, err = r.o.Store.List(ctx, after, snapshotsAtOnce); err != nil {
			return unreachable(err)
		}
		if err := pause(time.Since(begun)); err != nil {
			return err
		}
		for _, e := range entries {
			after = e.Tenant
			if _, done := slices.BinarySearch(here, e.Tenant); done {
				continue
			}
			if !wanted(docsOf(e)) {
				continue
			}
			file, _ := r.here(e.Tenant)
			if e.Document == nil && (file == nil || file.Document == nil) {
				continue // of another host's file
			}
			s, err := r.estate(ctx, e.Tenant, file, e)
			if file != nil && fault.Is(err, fault.Conflict) {
				continue
			}
			if err == nil {
				err = do(s)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
