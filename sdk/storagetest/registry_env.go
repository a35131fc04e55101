package storagetest

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// registered is a tenant seen through the storage's registry.
type registered struct {
	env *Env
	id  string
	at  int // of the storage's openings
}

// registered is a tenant that only this rule registers.
func (e *Env) registered(id string) registered {
	r := registered{env: e, id: e.id(id)}
	e.tenants = append(e.tenants, r.id)
	return r
}

// via is the tenant seen through another opening of the storage.
func (t registered) via(i int) registered {
	t.at = i
	return t
}

// registry is one of the storage's openings; [ErrSkip] when it keeps no tenants.
func (e *Env) registry(i int) (storage.TenantStore, error) {
	r, ok := e.any(i).(storage.TenantStore)
	if !ok {
		return nil, ErrSkip
	}
	return r, nil
}

func (t registered) registry() (storage.TenantStore, error) { return t.env.registry(t.at) }

// put asks for the next version, with a document that tells which one it is,
// unless set says else.
func (t registered) put(ctx context.Context, ifVersion int64, set ...func(*storage.PutTenantRequest)) (*storage.Registration, error) {
	r, err := t.registry()
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
		Tenant: t.id, IfVersion: ifVersion, State: storage.TenantActive, Incarnation: t.id + "-life",
		Document: fmt.Appendf(nil, "after %d", ifVersion), Note: "by the kit", Attempt: t.env.holder(),
	}
}

func attempt(name string) func(*storage.PutTenantRequest) {
	return func(r *storage.PutTenantRequest) { r.Attempt = name }
}

// newest is what GetTenants says of the tenant; nil for nothing.
func (t registered) newest(ctx context.Context) (*storage.Registration, error) {
	r, err := t.registry()
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

// history pages through the tenant's versions and checks their order.
func (t registered) history(ctx context.Context, limit int) ([]storage.Registration, error) {
	r, err := t.registry()
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

// changes follows the changes after the position, in pages of limit, to their end.
// It answers the newest version that was told of each tenant, and the last position.
func (e *Env) changes(ctx context.Context, at int, after int64, limit int) (map[string]int64, int64, error) {
	r, err := e.registry(at)
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

// head is the greatest position given out.
func (e *Env) head(ctx context.Context, at int) (int64, error) {
	r, err := e.registry(at)
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

// sameRegistration compares what two calls say of a version.
func sameRegistration(what string, got, want storage.Registration) error {
	if !got.CreatedAt.Equal(want.CreatedAt) || string(got.Document) != string(want.Document) {
		return fmt.Errorf("%s: created at %v, with %s; want %v, with %s", what,
			got.CreatedAt, brief(got.Document), want.CreatedAt, brief(want.Document))
	}
	got.CreatedAt, want.CreatedAt = time.Time{}, time.Time{}
	got.Document, want.Document = nil, nil
	return same(what, got, want)
}

// unregister leaves of the rule's registrations only that their ids were used.
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
