package sqlitestore

import (
	"context"
	"os"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is the value of conversation_storage.backend that selects this plugin.
const Name = "sqlite"

// Version is the version of this plugin, which may differ from the version of the host.
const Version = "0.1.0"

// Config is the block conversation_storage with backend = "sqlite".
type Config struct {
	Path string `json:"path,omitempty" botyard:"operator-only" jsonschema:"default=botyard.db,minLength=1" jsonschema_description:"The database file: a relative path that ends in .db, with no part .., below the folder that the host gives the plugin. Where it gives none, an absolute one."`
}

// Plugin returns the plugin, which opens a Store for each configuration.
func Plugin() sdk.Plugin {
	p := storage.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, env sdk.Env) (*Store, error) {
			return Open(cfg, env)
		},
		sdk.Feature(feature.Owners), sdk.Feature(feature.Retract),
		// A thread that waits for the disk keeps its processor for a while. With a single processor all
		// calls would wait for that thread, and the writer would find fewer writes to commit together.
		sdk.Threads(4))
	p.Info.ConfigSchema = describePath(p.Info.ConfigSchema, os.Getenv(sdk.DataDirEnv))
	return p
}
