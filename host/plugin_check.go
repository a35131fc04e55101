package host

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
)

// AskPlugins returns a function that asks the plugin of a block of the host's files what is wrong in
// its configuration. A plugin that does not answer within bounds.TrialTimeout, or that is isolated by
// tenant, says nothing: what is wrong is found when an instance is opened.
func AskPlugins(m *plugins.Manager) config.PluginCheck {
	return func(ctx context.Context, b config.Block, r config.Resolved) config.Problems {
		if m.IsIsolated(b.Kind, b.Plugin) {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, bounds.TrialTimeout)
		defer cancel()
		wrong, err := m.CheckConfig(ctx, plugins.Spec{
			Kind: b.Kind, Name: b.Plugin, Tenant: StorageScope, Config: r.Config, Secrets: r.Secrets, Egress: r.Egress,
		})
		if err != nil {
			return nil
		}
		var problems config.Problems
		for _, f := range wrong {
			problems = append(problems, config.Problem{Path: config.Path(f.Path), Message: f.Message})
		}
		return problems
	}
}
