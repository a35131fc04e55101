package host

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Trial tries a tenant's settings with their plugins, so that mistakes that no schema can find
// are reported when the tenant is registered and not in its first turn.
type Trial struct {
	Plugins *plugins.Manager
	Config  *config.Host // the host's files
	Log     hclog.Logger
	// Dry leaves out the storage, because opening a storage could create its database.
	Dry bool

	timeout time.Duration // 0 means bounds.TrialTimeout
}

// Run opens and closes an instance of each plugin that the settings name. The error is
// config.Problems if a plugin refuses its settings, or if the tenant's own settings name an
// address that the egress policy forbids. Run leaves out a plugin that has a process for each
// tenant, so that registering tenants does not start a process for each.
//
// If a plugin is down or does not respond in time, Run logs that and accepts the settings.
func (t Trial) Run(ctx context.Context, e *config.Effective) error {
	timeout := t.timeout
	if timeout == 0 {
		timeout = bounds.TrialTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	problems := t.Config.CheckDestinations(ctx, e)
	blocks := e.Blocks()
	slices.Reverse(blocks) // a nested block before its outer block, whose trial opens both
	refused := map[string]bool{}
	for _, b := range blocks {
		if slices.ContainsFunc(b.Nested(), func(n config.Block) bool { return refused[n.Path().String()] }) {
			continue
		}
		wrong, err := t.block(ctx, e, b)
		if err != nil {
			return err
		}
		refused[b.Path().String()] = len(wrong) > 0
		problems = append(problems, wrong...)
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// block tries one block with its plugin. It returns an error only if a secret of the block cannot
// be read.
func (t Trial) block(ctx context.Context, e *config.Effective, b config.Block) (config.Problems, error) {
	if b.Egress.Restricts() {
		if holds, err := t.Plugins.HasFeature(ctx, b.Kind, b.Plugin, feature.Egress); err == nil && !holds {
			return config.Problems{refusedAt(e, b, plugins.HoldsNoRule(b.Kind, b.Plugin))}, nil
		}
	}
	if b.Kind == storage.Kind && e.Owner == config.OwnerUser {
		if has, err := t.Plugins.HasFeature(ctx, b.Kind, b.Plugin, feature.Owners); err == nil && !has {
			return config.Problems{problemAt(e, config.Path{"conversations", "owner"}, lacksOwners(b.Plugin))}, nil
		}
	}
	isolated := func(b config.Block) bool { return t.Plugins.IsIsolated(b.Kind, b.Plugin) }
	if isolated(b) || slices.ContainsFunc(b.Nested(), isolated) {
		return nil, nil
	}
	spec, err := instanceSpec(t.Config, e, b)
	if err != nil {
		return nil, err
	}
	wrong, err := t.Plugins.CheckConfig(ctx, spec)
	if err != nil {
		t.Log.Warn("a tenant's settings could not be checked by their plugin", "tenant", e.Tenant, "kind", b.Kind, "plugin", b.Plugin, "error", err)
	}
	if len(wrong) > 0 {
		return refusedKeys(e, b, wrong), nil
	}
	if t.Dry && b.Kind == storage.Kind {
		return nil, nil
	}
	spec.Block = nil // refusedAt puts the block into the path of the problem
	i, err := t.Plugins.Open(ctx, spec)
	switch f := fault.Of(err); {
	case err == nil:
		i.Close()
	case f.Class == fault.Invalid && f.Party != fault.PartyHost:
		return config.Problems{refusedAt(e, b, f)}, nil
	default:
		t.Log.Warn("a tenant's settings could not be tried", "tenant", e.Tenant, "kind", b.Kind, "plugin", b.Plugin, "error", err)
	}
	return nil, nil
}

// refusedKeys returns the problems for all that a plugin says is wrong in its block.
func refusedKeys(e *config.Effective, b config.Block, wrong []*fault.Error) config.Problems {
	problems := make(config.Problems, len(wrong))
	for i, f := range wrong {
		problems[i] = refusedAt(e, b, f)
	}
	return problems
}

// refusedAt returns the problem that a plugin refused a key of its block.
func refusedAt(e *config.Effective, b config.Block, f *fault.Error) config.Problem {
	return problemAt(e, slices.Concat(b.Path(), config.Path(f.Path)), f.Message)
}

// lacksOwners returns why a tenant whose conversations belong to users cannot use the storage plugin.
func lacksOwners(plugin string) string {
	return fmt.Sprintf("the storage plugin %q lacks the feature %q, which conversations.owner = %q needs: "+
		"update the plugin, or set %q to let all users share the conversations", plugin, feature.Owners, config.OwnerUser, config.OwnerTenant)
}

// problemAt returns the problem of a key, with the position of the key. If no layer set the key, the
// problem has the position of the nearest key above.
func problemAt(e *config.Effective, path config.Path, message string) config.Problem {
	p := config.Problem{Path: path, Message: message}
	entries := e.Explain()
	for n := min(len(path), bounds.DocumentDepth); n > 0 && p.Pos == (config.Pos{}); n-- {
		for _, entry := range entries {
			if len(entry.Path) >= n && slices.Equal(entry.Path[:n], path[:n]) {
				p.Pos = entry.Pos
				break
			}
		}
	}
	return p
}
