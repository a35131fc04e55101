package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is the value of conversation_storage.backend that selects this plugin.
const Name = "postgres"

// Version is the version of this plugin, which may differ from the version of the host.
const Version = "0.1.0"

// Plugin returns the plugin, which opens a Store for each configuration.
func Plugin() sdk.Plugin {
	return storage.NewPlugin(Name, Version,
		func(ctx context.Context, cfg Config, env sdk.Env) (*Store, error) { return Open(ctx, cfg, env) },
		sdk.Feature(feature.Owners), sdk.Feature(feature.Retract), sdk.Feature(feature.Egress))
}
