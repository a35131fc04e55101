package storagetest

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// registered is a registered tenant, together with the opened storage that calls use.
type registered struct {
	env *Env
	id  string
	at  int // the index of the opened storage, for Env.any
}

// registered returns a tenant whose id no other rule uses.
func (e *Env) registered(id string) registered {
	r := registered{env: e, id: e.id(id)}
	e.tenants = append(e.tenants, r.id)
	return r
}

// via returns the tenant with opened storage i.
func (t registered) via(i int) registered {
	t.at = i
	return t
}

// tenantStore returns opened storage i as a TenantStore. It returns [ErrSkip] if the storage is not
// a TenantStore.
func (e *Env) tenantStore(i int) (storage.TenantStore, error) {
	r, ok := e.any(i).(storage.TenantStore)
	if !ok {
		return nil, ErrSkip
	}
	return r, nil
}

func (t registered) tenantStore() (storage.TenantStore, error) { return t.env.tenantStore(t.at) }

// put calls PutTenant with a document that contains ifVersion, and returns the new version. set may
// change the request.
func (t registered) put(ctx context.Context, ifVersion int64, set ...func(*storage.PutTenantRequest)) (*storage.Registration, error) {
	r, err := t.tenantStore()
	if err != nil {
		return nil, err
	}
	req := t.request(ifVersion)
	for _, f := range set {
		f(req)
	}
	reg, err := r.PutTenant(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("put of %q if at version %d: %w", t.id, ifVersion, err)
	}
	if reg == nil || reg.Tenant != req.Tenant || reg.Attempt != req.Attempt {
		return nil, fmt.Errorf("put of %q by attempt %q answered %+v", req.Tenant, req.Attempt, reg)
	}
	return reg, nil
}

func (t registered) request(ifVersion int64) *storage.PutTenantRequest {
	return &storage.PutTenantRequest{
		Tenant: t.id, IfVersion: ifVersion, State: storage.TenantActive, Incarnation: t.id + "-incarnation",
		Document: fmt.Appendf(nil, "after %d", ifVersion), Note: "by the kit", Attempt: t.env.holder(),
	}
}

func attempt(name string) func(*storage.PutTenantRequest) {
	return func(r *storage.PutTenantRequest) { r.Attempt = name }
}

// newest returns the version that GetTenants returns for the tenant. It returns nil if there is
// none.
func (t registered) newest(ctx context.Context) (*storage.Registration, error) {
	r, err := t.tenantStore()
	if err != nil {
		return nil, err
	}
	all, err := r.GetTenants(ctx, []string{t.id})
	switch {
	case err != nil:
		return nil, fmt.Errorf("get %q: %w", t.id, err)
	case len(all) > 1 || len(all) == 1 && all[0].Tenant != t.id:
		return nil, fmt.Errorf("get %q answered %+v", t.id, all)
	case len(all) == 0:
		return nil, nil
	}
	return &all[0], nil
}

// history returns all versions of the tenant, in pages of limit, and checks their order.
func (t registered) history(ctx context.Context, limit int) ([]storage.Registration, error) {
	r, err := t.tenantStore()
	if err != nil {
		return nil, err
	}
	var all []storage.Registration
	for before := int64(0); ; {
		page, err := r.TenantHistory(ctx, t.id, before, limit)
		if err != nil {
			return nil, fmt.Errorf("history of %q before %d: %w", t.id, before, err)
		}
		if n := len(page.Registrations); n > limit || page.More && n == 0 {
			return nil, fmt.Errorf("history of %q before %d: a page of %d, more: %t; want 1 to %d, or none and no more",
				t.id, before, n, page.More, limit)
		}
		for _, reg := range page.Registrations {
			if before != 0 && reg.Version != before-1 || reg.Tenant != t.id {
				return nil, fmt.Errorf("history of %q in pages of %d: version %d of %q came after %d", t.id, limit, reg.Version, reg.Tenant, before)
			}
			before = reg.Version
			all = append(all, reg)
		}
		if !page.More {
			return all, nil
		}
	}
}

// changes reads all changes after the position, in pages of limit. It returns the newest version of
// each changed tenant, and the last position.
func (e *Env) changes(ctx context.Context, at int, after int64, limit int) (map[string]int64, int64, error) {
	r, err := e.tenantStore(at)
	if err != nil {
		return nil, 0, err
	}
	told := map[string]int64{}
	for {
		page, err := r.TenantChanges(ctx, after, limit)
		if err != nil {
			return nil, 0, fmt.Errorf("changes after %d: %w", after, err)
		}
		if n := len(page.Changes); n > limit || page.More && n == 0 {
			return nil, 0, fmt.Errorf("changes after %d: a page of %d, more: %t; want 1 to %d, or none and no more", after, n, page.More, limit)
		}
		for _, c := range page.Changes {
			if c.Position <= after || c.Position > page.Head {
				return nil, 0, fmt.Errorf("a change at position %d came after %d, under the head %d", c.Position, after, page.Head)
			}
			after = c.Position
			told[c.Tenant] = max(told[c.Tenant], c.Version)
		}
		if !page.More {
			return told, after, nil
		}
	}
}

// head returns the greatest position that the storage has assigned.
func (e *Env) head(ctx context.Context, at int) (int64, error) {
	r, err := e.tenantStore(at)
	if err != nil {
		return 0, err
	}
	page, err := r.TenantChanges(ctx, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("ask for the head: %w", err)
	}
	if len(page.Changes) > 0 {
		return 0, fmt.Errorf("asked for the head only, %d changes were answered", len(page.Changes))
	}
	return page.Head, nil
}

// sameRegistration returns an error if two results for one version differ.
func sameRegistration(what string, got, want storage.Registration) error {
	if !got.CreatedAt.Equal(want.CreatedAt) || string(got.Document) != string(want.Document) {
		return fmt.Errorf("%s: created at %v, with %s; want %v, with %s", what,
			got.CreatedAt, brief(got.Document), want.CreatedAt, brief(want.Document))
	}
	got.CreatedAt, want.CreatedAt = time.Time{}, time.Time{}
	got.Document, want.Document = nil, nil
	return same(what, got, want)
}

// unregister erases the documents of the tenants that the rule registered. The ids of the tenants
// remain.
func (e *Env) unregister(ctx context.Context) error {
	for _, id := range e.tenants {
		t := registered{env: e, id: id}
		now, err := t.newest(ctx)
		if err == nil && now != nil {
			_, err = t.put(ctx, now.Version, func(r *storage.PutTenantRequest) {
				r.State, r.Document, r.Note, r.EraseHistory = storage.TenantPurged, nil, "", true
			})
		}
		if err != nil && err != ErrSkip {
			return fmt.Errorf("forget the rule's tenant: %w", err)
		}
	}
	return nil
}
