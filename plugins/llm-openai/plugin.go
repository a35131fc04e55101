package openaillm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
)

// Name is the plugin's name in the key llm.provider.
const Name = "openai"

// Version is the version of the plugin.
const Version = "0.1.0"

// Plugin returns the plugin. It serves one Model for each configuration.
func Plugin() sdk.Plugin {
	return llm.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, env sdk.Env) (*Model, error) {
			return New(cfg, WithDialer(env.Dialer))
		},
		sdk.Feature(feature.Tools), sdk.Feature(feature.ResponseFormat), sdk.Feature(feature.Overrides), sdk.Feature(feature.Egress))
}
