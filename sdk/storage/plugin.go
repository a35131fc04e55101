package storage

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/internal/instances"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
)

// These are the capabilities of plugins whose instances implement more than Storage.
const (
	CapRenew       = "renew"        // the instances implement Renewer
	CapTenantStore = "tenant_store" // the instances implement TenantStore
	CapWatch       = "watch"        // the instances implement TenantWatcher
	CapImport      = "import"       // the instances implement Importer
	CapMigrate     = "migrate"      // the instances implement Migrator
	CapBackup      = "backup"       // the instances implement Backuper
	CapOwners      = "owners"       // the instances obey Owned and Wrote, and delete users as Scope describes
)

// NewPlugin returns a plugin that tenants select with conversation_storage.backend = name. C is the
// configuration struct, whose tags package schema describes. open builds an instance from a
// configuration, and must not fail when the database is down. A plugin declares what its instances
// implement beyond Storage with sdk.Capability, for example sdk.Capability(CapRenew).
func NewPlugin[C any](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (Storage, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(open, func(s *grpc.Server, set *instances.Set[Storage]) {
		storagev1.RegisterStorageServiceServer(s, &server{set: set})
		storagev1.RegisterTenantStoreServiceServer(s, &tenantStoreServer{set: set})
	})
	info := sdk.Info{Kind: Kind, Name: name, Version: version, ConfigSchema: b.Schema,
		Services: []string{storagev1.StorageService_ServiceDesc.ServiceName}}
	for _, o := range opts {
		o(&info)
	}
	return sdk.Plugin{Info: info, Backend: b}
}
