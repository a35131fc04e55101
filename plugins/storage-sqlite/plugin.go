package sqlitestore

import (
	"context"
	"os"
	"runtime"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is the value of conversation_storage.backend that selects this plugin.
const Name = "sqlite"

// Version is the plugin's own.
const Version = "0.1.0"

// Config is the block conversation_storage with backend = "sqlite".
type Config struct {
	Path string `json:"path,omitempty" botyard:"operator-only" jsonschema:"default=botyard.db,minLength=1" jsonschema_description:"The database file: a relative path that ends in .db, with no part .., below the folder that the host gives the plugin. Where it gives none, an absolute one."`
}

// Plugin serves a Store for each configuration.
func Plugin() sdk.Plugin {
	p := storage.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, env sdk.Env) (storage.Storage, error) {
			useProcessors()
			s, err := Open(cfg, env)
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		sdk.Capability(storage.CapRenew), sdk.Capability(storage.CapImport), sdk.Capability(storage.CapMigrate),
		sdk.Capability(storage.CapOwners), sdk.Capability(storage.CapBackup), sdk.Capability(storage.CapTenantStore), sdk.Capability(storage.CapWatch))
	p.Info.ConfigSchema = describePath(p.Info.ConfigSchema, os.Getenv(sdk.DataDirEnv))
	return p
}

// useProcessors raises GOMAXPROCS above the 1 that suits other plugins. A thread that waits for
// the disk keeps its processor for a while. With only one processor all calls would wait with
// it, and no writes would gather to be committed together.
func useProcessors() {
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(min(4, runtime.NumCPU()))
	}
}
