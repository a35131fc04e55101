package sqlitestore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is what conversation_storage.backend calls this plugin.
const Name = "sqlite"

// Version is the plugin's own.
const Version = "0.1.0"

// Config is the block conversation_storage with backend = "sqlite".
type Config struct {
	Path string `json:"path,omitempty" jsonschema:"default=botyard.db,minLength=1" jsonschema_description:"The database file: a relative path that ends in .db, below the folder that the host gives the plugin. Where it gives none, an absolute one."`
}

// Plugin serves a Store for each configuration.
func Plugin() sdk.Plugin {
	return storage.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, env sdk.Env) (storage.Storage, error) {
			s, err := Open(cfg, env)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		sdk.Capability(storage.CapRenew), sdk.Capability(storage.CapImport), sdk.Capability(storage.CapMigrate),
		sdk.Capability(storage.CapRegistry), sdk.Capability(storage.CapWatch))
}
