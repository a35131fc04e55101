package ollama

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
)

// Name is what llm.provider calls this plugin.
const Name = "ollama"

// Version is the plugin's own.
const Version = "0.1.0"

// Plugin serves a Model for each configuration.
func Plugin() sdk.Plugin {
	return llm.NewPlugin(Name, Version,
		func(_ context.Context, cfg Config, env sdk.Env) (llm.LLM, error) {
			return New(cfg, WithDialer(env.Dialer))
		},
		sdk.Capability(llm.CapEmbed), sdk.Capability(sdk.CapEgress))
}
