package buffer

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
)

// Name is the plugin's name in the key memory.type.
const Name = "buffer"

// Version is the version of the plugin.
const Version = "0.1.0"

// Plugin returns the plugin. It serves one Buffer for each configuration.
func Plugin() sdk.Plugin {
	return memory.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, _ sdk.Env) (*Buffer, error) { return New(cfg) })
}
