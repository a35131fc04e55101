package echo

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
)

// Name is the plugin's name in the key llm.provider.
const Name = "echo"

// Version is the version of the plugin.
const Version = "0.1.0"

// Plugin returns the plugin. It serves one Echo for each configuration.
func Plugin() sdk.Plugin {
	return llm.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, _ sdk.Env) (*Echo, error) { return New(cfg) },
		sdk.Feature(feature.Tools), sdk.Feature(feature.ResponseFormat), sdk.Feature(feature.Overrides))
}
