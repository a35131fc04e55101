package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/feature"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"github.com/botyard/botyard/sdk/storage"
)

// TenantStoreService is the full name of the gRPC service of tenant stores.
var TenantStoreService = storagev1.TenantStoreService_ServiceDesc.ServiceName

// TenantStore returns the instance as a storage.TenantStore, or nil if the plugin does not
// serve [TenantStoreService]. The result also implements storage.TenantWatcher if
// the plugin has the feature feature.Watch.
func (i *Instance) TenantStore() storage.TenantStore {
	info := i.sup.lastInfo()
	if !process.HasService(info, TenantStoreService) {
		return nil
	}
	if process.HasFeature(info, feature.Watch) {
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

// ofTenantStore are the options of all calls of a tenant store. These calls do not wait in
// the queue, so that a tenant with many turns does not delay changes of tenants.
var ofTenantStore = callOptions{unqueued: true}

// PutTenant implements storage.TenantStore.
func (c tenantStoreCaller) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, client *storage.TenantStoreClient) (*storage.Registration, error) {
		out, err := client.PutTenant(ctx, req)
		if err != nil {
			return nil, err
		}
		return out, c.i.refuse(wrongRegistration(req, out))
	})
}

// GetTenants implements storage.TenantStore.
func (c tenantStoreCaller) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, client *storage.TenantStoreClient) ([]storage.Registration, error) {
		out, err := client.GetTenants(ctx, ids)
		if err != nil {
			return nil, err
		}
		return out, c.i.refuse(wrongRegistrations(ids, out))
	})
}

// ListTenants implements storage.TenantStore.
func (c tenantStoreCaller) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, client *storage.TenantStoreClient) (*storage.RegistrationPage, error) {
		out, err := client.ListTenants(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		return out, c.i.refuse(wrongTenants(after, limit, out))
	})
}

// TenantHistory implements storage.TenantStore.
func (c tenantStoreCaller) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, client *storage.TenantStoreClient) (*storage.RegistrationPage, error) {
		out, err := client.TenantHistory(ctx, tenant, before, limit)
		if err != nil {
			return nil, err
		}
		return out, c.i.refuse(wrongHistory(tenant, limit, out))
	})
}

// TenantChanges implements storage.TenantStore.
func (c tenantStoreCaller) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	return invoke(ctx, c.i, ofTenantStore, storage.NewTenantStoreClient, func(ctx context.Context, client *storage.TenantStoreClient) (*storage.TenantChangePage, error) {
		out, err := client.TenantChanges(ctx, after, limit)
		if err != nil {
			return nil, err
		}
		return out, c.i.refuse(wrongChanges(after, limit, out))
	})
}

// WatchTenants implements storage.TenantWatcher. It has no call timeout, only the deadline
// of ctx.
func (c tenantWatchCaller) WatchTenants(ctx context.Context, changed func() error) error {
	return c.i.call(ctx, callOptions{unqueued: true, unbounded: true, lasting: true}, func(ctx context.Context, t target) error {
		return storage.NewTenantStoreClient(t.conn, t.id).WatchTenants(ctx, changed)
	})
}
