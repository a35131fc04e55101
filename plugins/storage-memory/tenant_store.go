package memstore

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/google/btree"
)

const treeDegree = 32

// tenantStore has the registered tenants of a Store. It is safe for concurrent use.
type tenantStore struct {
	mu         sync.RWMutex
	head       int64
	byID       *btree.BTreeG[*registeredTenant]
	byPosition *btree.BTreeG[*registeredTenant] // ordered by the position of the newest version
	changed    chan struct{}                    // each change closes this channel and replaces it
}

// registeredTenant is a registered tenant with its stored versions. It has at least one version,
// and the numbers of its versions have no gaps.
type registeredTenant struct {
	id       string
	versions []storage.Registration // oldest first
}

func (r *registeredTenant) newest() storage.Registration { return r.versions[len(r.versions)-1] }

func newTenantStore() *tenantStore {
	return &tenantStore{
		changed:    make(chan struct{}),
		byID:       btree.NewG(treeDegree, func(a, b *registeredTenant) bool { return a.id < b.id }),
		byPosition: btree.NewG(treeDegree, func(a, b *registeredTenant) bool { return a.newest().Position < b.newest().Position }),
	}
}

// PutTenant implements [storage.TenantStore].
func (s *Store) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	r := s.registered
	r.mu.Lock()
	defer r.mu.Unlock()
	t, known := r.byID.Get(&registeredTenant{id: req.Tenant})
	var version int64
	if known {
		now := t.newest()
		if now.Attempt == req.Attempt {
			return copyOf(now), nil
		}
		version = now.Version
	}
	if version != req.IfVersion {
		return nil, fault.New(fault.Conflict, "the tenant is at version %d", version).At("if_version")
	}
	if known {
		r.byPosition.Delete(t)
	} else {
		t = &registeredTenant{id: req.Tenant}
	}
	r.head++
	next := storage.Registration{
		Tenant: req.Tenant, Version: version + 1, Position: r.head, State: req.State, Incarnation: req.Incarnation,
		Document: bytes.Clone(req.Document), Note: req.Note, Attempt: req.Attempt, CreatedAt: s.stamp(),
	}
	if req.EraseHistory {
		// The garbage collector can then free the documents of the old versions too.
		t.versions = nil
	}
	t.add(next)
	r.byID.ReplaceOrInsert(t)
	r.byPosition.ReplaceOrInsert(t)
	close(r.changed)
	r.changed = make(chan struct{})
	return copyOf(next), nil
}

// add appends the version and drops old versions that exceed storage.MaxHistoryVersions or the
// bound in bytes. It drops many versions at once, so that it rarely copies the slice.
func (r *registeredTenant) add(next storage.Registration) {
	if n := len(r.versions); n >= 2*storage.MaxHistoryVersions {
		r.versions = slices.Clone(r.versions[n-storage.MaxHistoryVersions:])
	}
	r.versions = append(r.versions, next)
	sizes := make([]int, 0, len(r.versions))
	for _, v := range slices.Backward(r.versions) {
		sizes = append(sizes, len(v.Document))
	}
	if n := storage.HistoryFits(sizes); n < len(r.versions) {
		r.versions = slices.Clone(r.versions[len(r.versions)-n:])
	}
}

// GetTenants implements [storage.TenantStore].
func (s *Store) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	if err := check(ctx, storage.ValidateIDs(ids)); err != nil {
		return nil, err
	}
	r := s.registered
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []storage.Registration
	for _, id := range ids {
		if t, ok := r.byID.Get(&registeredTenant{id: id}); ok {
			found = append(found, *copyOf(t.newest()))
		}
	}
	return found, nil
}

// ListTenants implements [storage.TenantStore].
func (s *Store) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	if err := check(ctx, storage.ValidateLimit(limit)); err != nil {
		return nil, err
	}
	r := s.registered
	r.mu.RLock()
	defer r.mu.RUnlock()
	page := &storage.RegistrationPage{}
	var size storage.PageBytes
	full := false
	r.byID.AscendGreaterOrEqual(&registeredTenant{id: after}, func(t *registeredTenant) bool {
		if t.id == after {
			return true
		}
		if page.More = full || len(page.Registrations) == limit; page.More {
			return false
		}
		page.Registrations = append(page.Registrations, *copyOf(t.newest()))
		full = size.Full(t.newest().Size())
		return true
	})
	return page, nil
}

// TenantHistory implements [storage.TenantStore].
func (s *Store) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	if err := check(ctx, storage.ValidateHistory(tenant, before, limit)); err != nil {
		return nil, err
	}
	r := s.registered
	r.mu.RLock()
	defer r.mu.RUnlock()
	page := &storage.RegistrationPage{}
	t, ok := r.byID.Get(&registeredTenant{id: tenant})
	if !ok {
		return page, nil
	}
	var size storage.PageBytes
	full := false
	for _, v := range slices.Backward(t.versions) {
		if before > 0 && v.Version >= before {
			continue
		}
		if page.More = full || len(page.Registrations) == limit; page.More {
			break
		}
		page.Registrations = append(page.Registrations, *copyOf(v))
		full = size.Full(v.Size())
	}
	return page, nil
}

// TenantChanges implements [storage.TenantStore].
func (s *Store) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	if err := check(ctx, storage.ValidateChanges(after, limit)); err != nil {
		return nil, err
	}
	r := s.registered
	r.mu.RLock()
	defer r.mu.RUnlock()
	page := &storage.TenantChangePage{Head: r.head}
	from := &registeredTenant{versions: []storage.Registration{{Position: after}}}
	r.byPosition.AscendGreaterOrEqual(from, func(t *registeredTenant) bool {
		now := t.newest()
		if now.Position == after {
			return true
		}
		if page.More = len(page.Changes) == limit; page.More {
			return false
		}
		page.Changes = append(page.Changes, storage.TenantChange{Position: now.Position, Tenant: t.id, Version: now.Version})
		return true
	})
	return page, nil
}

// WatchTenants implements [storage.TenantWatcher].
func (s *Store) WatchTenants(ctx context.Context, changed func() error) error {
	for ctx.Err() == nil {
		// WatchTenants gets the channel before it calls changed, so that a change during changed
		// causes another call.
		next := s.registered.next()
		if err := changed(); err != nil {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
	return fault.Of(ctx.Err())
}

// next returns a channel that the next change closes.
func (r *tenantStore) next() <-chan struct{} {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.changed
}

// copyOf returns a copy of the version that shares no memory with the version.
func copyOf(r storage.Registration) *storage.Registration {
	r.Document = bytes.Clone(r.Document)
	return &r
}
