package storage

import (
	"context"
	"reflect"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/internal/instances"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
)

// extras are the interfaces that a Storage may implement too.
var extras = []instances.Extra{
	instances.NewExtra[Renewer](feature.Renew),
	instances.NewExtra[Importer](feature.Import),
	instances.NewExtra[Migrator](feature.Migrate),
	instances.NewExtra[Backuper](feature.Backup),
	instances.NewExtra[Brancher](feature.Branch),
	instances.NewExtra[CursorStore](feature.Cursor),
	instances.NewExtra[TenantWatcher](feature.Watch),
}

// NewPlugin returns a plugin that tenants select with conversation_storage.backend = name. C is the
// configuration struct, whose tags package schema describes. open builds an instance from a
// configuration, and must not fail when the database is down.
//
// What the plugin offers beyond Storage follows from I, the type that open returns: the plugin
// serves tenants if I implements TenantStore, and has the features of Renewer, Importer, Migrator,
// Backuper, Brancher, CursorStore and TenantWatcher if I implements these. A plugin whose instances
// obey Owned and Wrote declares sdk.Feature(feature.Owners). One whose instances obey RetractFrom
// declares sdk.Feature(feature.Retract).
func NewPlugin[C any, I Storage](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (I, error), opts ...sdk.Option) sdk.Plugin {
	services := []string{storagev1.StorageService_ServiceDesc.ServiceName}
	storesTenants := instances.Implements[I](reflect.TypeFor[TenantStore]())
	if storesTenants {
		services = append(services, storagev1.TenantStoreService_ServiceDesc.ServiceName)
	}
	b := instances.New(instances.As[Storage](open), func(s *grpc.Server, set *instances.Set[Storage]) {
		storagev1.RegisterStorageServiceServer(s, &server{set: set})
		if storesTenants {
			storagev1.RegisterTenantStoreServiceServer(s, &tenantStoreServer{set: set})
		}
	})
	info := instances.NewInfo[I](Kind, name, version, b.Schema, services, extras, opts)
	b.Features, b.Extras = info.Features, extras
	return sdk.Plugin{Info: info, Backend: b}
}
