package memstore

import (
	"context"
	"os"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// Name is the value of conversation_storage.backend that selects this plugin.
const Name = "memory"

// Version is the version of this plugin, which may differ from the version of the host.
const Version = "0.1.0"

// Config is the block conversation_storage with backend = "memory". It has no keys for a connection
// or a pool, so that the schema refuses such keys as unknown.
type Config struct {
	MaxBytes int64 `json:"max_bytes,omitempty" botyard:"operator-only" jsonschema:"minimum=1,maximum=1099511627776,default=1073741824" jsonschema_description:"About how many bytes of conversations one tenant may keep. Beyond it new turns are refused until something is deleted. All tenants together have a bound too, see BOTYARD_STORAGE_MEMORY_BYTES."`
}

// Plugin returns the plugin, which opens a Store for each configuration. The value of
// [TotalVariable] bounds the bytes that all these Stores take together.
func Plugin() sdk.Plugin {
	total, err := totalBytes(os.Getenv(TotalVariable), memory(os.DirFS("/")))
	shared := newBudget(total)
	return storage.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, _ sdk.Env) (*Store, error) {
			if err != nil {
				return nil, err
			}
			return newStore(cfg, time.Now, shared), nil
		},
		sdk.Exclusive(), sdk.Feature(feature.Owners), sdk.Feature(feature.Retract))
}
