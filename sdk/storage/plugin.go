package storage

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/internal/instances"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
)

// CapRenew is the capability of plugins whose instances are Renewers.
const CapRenew = "renew"

// NewPlugin makes a plugin that configurations select as
// conversation_storage.backend = name. C is the configuration struct (package
// schema says which tags it has); open makes an instance from it, and must not
// depend on a database that may be down. A plugin whose instances implement
// Renewer says so with sdk.Capability(CapRenew).
func NewPlugin[C any](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (Storage, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(open, func(s *grpc.Server, set *instances.Set[Storage]) {
		storagev1.RegisterStorageServiceServer(s, &server{set: set})
	})
	info := sdk.Info{Kind: Kind, Name: name, Version: version, ConfigSchema: b.Schema,
		Services: []string{storagev1.StorageService_ServiceDesc.ServiceName}}
	for _, o := range opts {
		o(&info)
	}
	return sdk.Plugin{Info: info, Backend: b}
}
