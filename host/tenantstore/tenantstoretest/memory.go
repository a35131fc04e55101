// Package tenantstoretest has a storage of registrations in memory, for tests of packages that
// use a tenant store.
package tenantstoretest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Memory keeps in memory every version that is put. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	versions []storage.Registration // in the order of their positions
	down     error
	calls    int
}

var _ storage.TenantStore = (*Memory)(nil)

// Fail makes all later calls return err. A call with nil ends the failures.
func (r *Memory) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = err
}

// Calls returns how many calls of the storage were made.
func (r *Memory) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

func (r *Memory) enter() (leave func(), err error) {
	r.mu.Lock()
	r.calls++
	if r.down != nil {
		defer r.mu.Unlock()
		return nil, r.down
	}
	return r.mu.Unlock, nil
}

func (r *Memory) newest(tenant string) *storage.Registration {
	for i := len(r.versions) - 1; i >= 0; i-- {
		if r.versions[i].Tenant == tenant {
			return &r.versions[i]
		}
	}
	return nil
}

// PutTenant implements storage.TenantStore.
func (r *Memory) PutTenant(_ context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var version, position int64
	if n := r.newest(req.Tenant); n != nil {
		if n.Attempt == req.Attempt {
			out := *n
			return &out, nil
		}
		version = n.Version
	}
	if version != req.IfVersion {
		return nil, fault.New(fault.Conflict, "the newest version is %d", version)
	}
	if n := len(r.versions); n > 0 {
		position = r.versions[n-1].Position
	}
	if req.EraseHistory {
		r.versions = slices.DeleteFunc(r.versions, func(v storage.Registration) bool { return v.Tenant == req.Tenant })
	}
	out := storage.Registration{
		Tenant: req.Tenant, Version: version + 1, Position: position + 1, State: req.State, Incarnation: req.Incarnation,
		Document: slices.Clone(req.Document), Note: req.Note, Attempt: req.Attempt, CreatedAt: time.Now().UTC(),
	}
	r.versions = append(r.versions, out)
	return &out, nil
}

// GetTenants implements storage.TenantStore.
func (r *Memory) GetTenants(_ context.Context, ids []string) ([]storage.Registration, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []storage.Registration
	for _, id := range ids {
		if n := r.newest(id); n != nil {
			out = append(out, *n)
		}
	}
	return out, nil
}

// ListTenants implements storage.TenantStore.
func (r *Memory) ListTenants(_ context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	newest := map[string]storage.Registration{}
	for _, v := range r.versions {
		if v.Tenant > after {
			newest[v.Tenant] = v
		}
	}
	var out []storage.Registration
	for _, v := range newest {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b storage.Registration) int { return strings.Compare(a.Tenant, b.Tenant) })
	return &storage.RegistrationPage{Registrations: out[:min(limit, len(out))], More: len(out) > limit}, nil
}

// TenantHistory implements storage.TenantStore.
func (r *Memory) TenantHistory(_ context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []storage.Registration
	for _, v := range slices.Backward(r.versions) {
		if v.Tenant == tenant && (before == 0 || v.Version < before) {
			out = append(out, v)
		}
	}
	return &storage.RegistrationPage{Registrations: out[:min(limit, len(out))], More: len(out) > limit}, nil
}

// TenantChanges implements storage.TenantStore.
func (r *Memory) TenantChanges(_ context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	leave, err := r.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	page := &storage.TenantChangePage{}
	if n := len(r.versions); n > 0 {
		page.Head = r.versions[n-1].Position
	}
	for _, v := range r.versions {
		if v.Position <= after || limit == 0 {
			continue
		}
		if page.More = len(page.Changes) == limit; page.More {
			break
		}
		page.Changes = append(page.Changes, storage.TenantChange{Position: v.Position, Tenant: v.Tenant, Version: v.Version})
	}
	return page, nil
}
