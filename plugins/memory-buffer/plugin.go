package buffer

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
)

// Name is what memory.type calls this plugin.
const Name = "buffer"

// Version is the plugin's own.
const Version = "0.1.0"

// Plugin serves a Buffer for each configuration.
func Plugin() sdk.Plugin {
	return memory.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, _ sdk.Env) (memory.Memory, error) {
			b, err := New(cfg)
			if err != nil {
				return nil, err // not a nil *Buffer in an interface
			}
			return b, nil
		})
}
