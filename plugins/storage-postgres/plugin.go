package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is the value of conversation_storage.backend that selects this plugin.
const Name = "postgres"

// Version is the version of this plugin, which may differ from the version of the host.
const Version = "0.1.0"

// Plugin returns the plugin, which opens a Store for each configuration.
func Plugin() sdk.Plugin {
	return storage.NewPlugin(Name, Version,
		func(ctx context.Context, cfg Config, env sdk.Env) (storage.Storage, error) {
			s, err := Open(ctx, cfg, env)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		sdk.Capability(storage.CapRenew), sdk.Capability(storage.CapImport), sdk.Capability(storage.CapMigrate), sdk.Capability(storage.CapOwners),
		sdk.Capability(storage.CapTenantStore), sdk.Capability(storage.CapWatch), sdk.Capability(sdk.CapEgress))
}
