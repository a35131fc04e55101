package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/storage"
)

// TenantStore returns the instance as what keeps registered tenants. It is nil if the plugin
// has not that capability. It is a storage.TenantWatcher too if the plugin has the
// capability for that.
func (i *Instance) TenantStore() storage.TenantStore {
	info := i.sup.lastInfo()
	if !process.HasCapability(info, storage.CapTenantStore) {
		return nil
	}
	if process.HasCapability(info, storage.CapWatch) {
		return tenantWatchCaller{tenantStoreCaller{i}}
	}
	return tenantStoreCaller{i}
}

type (
	tenantStoreCaller struct{ i *Instance }
	tenantWatchCaller struct{ tenantStoreCaller }
)

var (
	_ storage.TenantStore   = tenantStoreCaller{}
	_ storage.TenantWatcher = tenantWatchCaller{}
)

// ofTenantStore has no call wait behind a flood of turns: a change of tenants must not be
// hidden by one.
var ofTenantStore = callOptions{unqueued: true}

// PutTenant implements storage.TenantStore.
func (c tenantStoreCaller) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, c *storage.TenantStoreClient) (*storage.Registration, error) {
		return c.PutTenant(ctx, req)
	})
}

// GetTenants implements storage.TenantStore.
func (c tenantStoreCaller) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, c *storage.TenantStoreClient) ([]storage.Registration, error) {
		return c.GetTenants(ctx, ids)
	})
}

// ListTenants implements storage.TenantStore.
func (c tenantStoreCaller) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, c *storage.TenantStoreClient) (*storage.RegistrationPage, error) {
		return c.ListTenants(ctx, after, limit)
	})
}

// TenantHistory implements storage.TenantStore.
func (c tenantStoreCaller) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, c *storage.TenantStoreClient) (*storage.RegistrationPage, error) {
		return c.TenantHistory(ctx, tenant, before, limit)
	})
}

// TenantChanges implements storage.TenantStore.
func (c tenantStoreCaller) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, c *storage.TenantStoreClient) (*storage.TenantChangePage, error) {
		return c.TenantChanges(ctx, after, limit)
	})
}

// WatchTenants implements storage.TenantWatcher. It is bounded by ctx alone.
func (c tenantWatchCaller) WatchTenants(ctx context.Context, changed func() error) error {
	return c.i.call(ctx, callOptions{unqueued: true, unbounded: true}, func(ctx context.Context, t target) error {
		return storage.NewTenantStoreClient(t.conn, t.id).WatchTenants(ctx, changed)
	})
}
