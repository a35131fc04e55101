package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/storage"
)

// Registry gives the instance as what keeps tenants; nil when the plugin has not that
// capability. It is a storage.TenantWatcher too when the plugin has the capability for it.
// Its calls take no slot: a flood of turns must not hide a change of tenants.
func (i *Instance) Registry() storage.TenantStore {
	info := i.sup.lastInfo()
	if !process.HasCapability(info, storage.CapTenantStore) {
		return nil
	}
	if process.HasCapability(info, storage.CapWatch) {
		return watchCaller{registryCaller{i}}
	}
	return registryCaller{i}
}

type (
	registryCaller struct{ i *Instance }
	watchCaller    struct{ registryCaller }
)

var (
	_ storage.TenantStore   = registryCaller{}
	_ storage.TenantWatcher = watchCaller{}
)

// on makes a bounded call.
func (c registryCaller) on(ctx context.Context, fn func(context.Context, *storage.TenantStoreClient) error) error {
	return c.i.do(ctx, callOptions{unqueued: true}, func(ctx context.Context, t target) error {
		return fn(ctx, storage.NewTenantStoreClient(t.conn, t.id))
	})
}

// PutTenant implements storage.TenantStore.
func (c registryCaller) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (out *storage.Registration, err error) {
	err = c.on(ctx, func(ctx context.Context, r *storage.TenantStoreClient) (err error) {
		out, err = r.PutTenant(ctx, req)
		return err
	})
	return out, err
}

// GetTenants implements storage.TenantStore.
func (c registryCaller) GetTenants(ctx context.Context, ids []string) (out []storage.Registration, err error) {
	err = c.on(ctx, func(ctx context.Context, r *storage.TenantStoreClient) (err error) {
		out, err = r.GetTenants(ctx, ids)
		return err
	})
	return out, err
}

// ListTenants implements storage.TenantStore.
func (c registryCaller) ListTenants(ctx context.Context, after string, limit int) (out *storage.RegistrationPage, err error) {
	err = c.on(ctx, func(ctx context.Context, r *storage.TenantStoreClient) (err error) {
		out, err = r.ListTenants(ctx, after, limit)
		return err
	})
	return out, err
}

// TenantHistory implements storage.TenantStore.
func (c registryCaller) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (out *storage.RegistrationPage, err error) {
	err = c.on(ctx, func(ctx context.Context, r *storage.TenantStoreClient) (err error) {
		out, err = r.TenantHistory(ctx, tenant, before, limit)
		return err
	})
	return out, err
}

// TenantChanges implements storage.TenantStore.
func (c registryCaller) TenantChanges(ctx context.Context, after int64, limit int) (out *storage.TenantChangePage, err error) {
	err = c.on(ctx, func(ctx context.Context, r *storage.TenantStoreClient) (err error) {
		out, err = r.TenantChanges(ctx, after, limit)
		return err
	})
	return out, err
}

// WatchTenants implements storage.TenantWatcher. It is bounded by ctx alone.
func (c watchCaller) WatchTenants(ctx context.Context, changed func() error) error {
	return c.i.do(ctx, callOptions{unqueued: true, unbounded: true}, func(ctx context.Context, t target) error {
		return storage.NewTenantStoreClient(t.conn, t.id).WatchTenants(ctx, changed)
	})
}
