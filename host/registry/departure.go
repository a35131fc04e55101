package registry

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TracksIncarnations says whether lives of tenants have names, so that storages refuse what is
// written under one that is over.
func (r *Registry) TracksIncarnations() bool { return r.o.Store != nil }

// NewIncarnation ends the present life of a tenant and starts another, empty one, on all
// hosts. What it answers is as before, with the ended life as the last of Former;
// ForgetFormer says when nothing is left of one. Without a ledger the life stays and is
// answered all the same. fault.NotFound; fault.Conflict.
func (r *Registry) NewIncarnation(ctx context.Context, id string) (*Snapshot, error) {
	if r.o.Store == nil {
		s, err := r.Snapshot(ctx, id)
		if err != nil {
			return nil, err
		}
		ended := *s
		ended.Former = []tenantstore.Incarnation{s.Incarnation}
		return &ended, nil
	}
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	var ended *Snapshot
	put, err := r.changeStored(ctx, id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		file, _ := r.here(id)
		s, err := r.estate(ctx, id, file, e)
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
			return nil, nil // of a file, and not used since
		case e != nil && e.Incarnation != "" && len(e.Storages) == 0:
			return nil, nil // nothing was written since the last one
		case len(s.Former) >= bounds.MaxFormer:
			return nil, fault.New(fault.Conflict, "%d earlier incarnations of tenant %q are not erased yet, since storages that they were written to do not answer: bring those back, or abandon them", len(s.Former), id).At("tenant")
		}
		next := &tenantstore.Entry{State: storage.TenantFromFile}
		if e != nil {
			*next = *e
		}
		next.Incarnation, next.Note, next.Author = newLife(), "a new life, to erase what was before", tenantstore.Operator
		s.Former = append(slices.Clone(s.Former), s.Incarnation)
		next.Former, next.Storages = s.Former, nil
		return next, nil
	})
	if err != nil {
		return nil, err
	}
	r.took(id, put, ended.Effective)
	return ended, nil
}

// took takes what was just put of a tenant, a file's too.
func (r *Registry) took(id string, put *tenantstore.Entry, effective *config.Effective) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[id]; t != nil && t.source != SourceAPI {
		if put != nil && put.Version > t.version {
			r.note(t, put)
			r.forget(t)
		}
		return
	}
	r.install(id, put, effective)
}

// ForgetFormer says that nothing is left of the former lives of those names.
func (r *Registry) ForgetFormer(ctx context.Context, id string, lives []string, note string) error {
	if r.o.Store == nil {
		return nil
	}
	_, err := r.changeStored(ctx, id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		if e == nil {
			return nil, nil
		}
		next := *e
		next.Note, next.Author = note, ""
		next.Former = slices.DeleteFunc(slices.Clone(e.Former), func(l tenantstore.Incarnation) bool { return slices.Contains(lives, l.ID) })
		if len(next.Former) == len(e.Former) {
			return nil, nil
		}
		return &next, nil
	})
	return err
}

// BeginPurge stops serving a tenant for good, on all hosts, so that it can be purged: it
// is removed and cannot be restored. begun is kept as its receipt, unless one is
// there from an earlier try. A tenant that was purged already is answered as such.
// fault.NotFound; fault.Conflict for one that a file of this host has.
func (r *Registry) BeginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	if file, _ := r.here(id); file != nil {
		return nil, fault.New(fault.Conflict, "tenant %q comes from the file %s: remove that first", id, file.Source).At("tenant")
	}
	if r.o.Store == nil {
		return r.depart(id, begun)
	}
	put, err := r.changeStored(ctx, id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil:
			return nil, unknown(id)
		case e.State == storage.TenantPurged, e.State == storage.TenantRemoved && e.Receipt != nil:
			return nil, nil
		}
		next := *e
		next.State, next.Note, next.Receipt = storage.TenantRemoved, "removed, to be purged", begun
		next.Author = tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return nil, err
	}
	r.took(id, put, nil)
	return r.estate(ctx, id, nil, put)
}

// depart stops serving a tenant that is only in this host's memory.
func (r *Registry) depart(id string, begun json.RawMessage) (*Snapshot, error) {
	_, s := r.here(id)
	if s == nil {
		return nil, unknown(id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[id]; t != nil && t.source == SourceAPI {
		r.deleteTenant(t)
		r.forget(t)
	}
	gone := *s
	gone.State = storage.TenantRemoved
	if gone.Receipt == nil {
		gone.Receipt = begun
	}
	r.leaving[id] = &gone
	return &gone, nil
}

// KeepReceipt keeps what a purge that is not done has deleted so far.
func (r *Registry) KeepReceipt(ctx context.Context, id string, receipt json.RawMessage) error {
	if r.o.Store == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if s := r.leaving[id]; s != nil {
			so := *s
			so.Receipt = receipt
			r.leaving[id] = &so
		}
		return nil
	}
	_, err := r.changeStored(ctx, id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		if e == nil || e.State != storage.TenantRemoved {
			return nil, nil
		}
		next := *e
		next.Note, next.Receipt, next.Author = "a purge that is not done", receipt, ""
		return &next, nil
	})
	return err
}

// CountVersions counts the versions that are kept of a tenant's registration.
func (r *Registry) CountVersions(ctx context.Context, id string) (n int64, err error) {
	if r.o.Store == nil {
		return 0, nil
	}
	for before, more := int64(0), true; more; {
		var page []*tenantstore.Entry
		if page, more, err = r.o.Store.History(ctx, id, before, storage.MaxPage); err != nil {
			return 0, unreachable(err)
		}
		if len(page) == 0 {
			break
		}
		n += int64(len(page))
		before = page[len(page)-1].Version
	}
	return n, nil
}

// FinishPurge erases all that is kept of a retired tenant but the receipt, and frees its
// id. It answers what is kept: another's receipt if another host was faster.
func (r *Registry) FinishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error) {
	if r.o.Store == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.leaving, id)
		return receipt, nil
	}
	put, err := r.changeStored(ctx, id, false, true, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil:
			return nil, unknown(id)
		case e.State == storage.TenantPurged:
			return nil, nil
		case e.State != storage.TenantRemoved:
			return nil, fault.New(fault.Conflict, "tenant %q was registered again while it was purged", id).At("tenant")
		}
		return &tenantstore.Entry{State: storage.TenantPurged, Incarnation: e.Incarnation, Receipt: receipt, Note: note, Author: tenantstore.Operator}, nil
	})
	if err != nil {
		return nil, err
	}
	r.took(id, put, nil)
	return put.Receipt, nil
}
