package host

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Trial tries a tenant's settings with their plugins. So mistakes that no schema can find are
// refused when the tenant is registered, and not at its first turn.
type Trial struct {
	Plugins *plugins.Manager
	Config  *config.Host // the host's files
	Log     hclog.Logger
	// If Dry is true, the storage is not opened, since that would create its database.
	Dry bool

	timeout time.Duration // 0 is bounds.TrialTimeout
}

// Run opens and closes an instance of each plugin that the settings name. The error is
// config.Problems if a plugin refuses its settings, or if the tenant's own settings name an
// address that they may not reach. A plugin that has a process for each tenant is left out:
// registering tenants must not start a process for each.
//
// A plugin that is down, or does not answer in time, refuses nothing. That is logged.
func (t Trial) Run(ctx context.Context, e *config.Effective) error {
	timeout := t.timeout
	if timeout == 0 {
		timeout = bounds.TrialTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	problems := t.Config.CheckDestinations(ctx, e)
	for _, b := range pluginBlocks(e) {
		wrong, err := t.block(ctx, e, b)
		if err != nil {
			return err
		}
		problems = append(problems, wrong...)
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// block tries the plugin of one block. It returns an error only if the block's secrets cannot
// be read.
func (t Trial) block(ctx context.Context, e *config.Effective, b config.Block) (config.Problems, error) {
	if b.Egress.Restricts() {
		if holds, err := t.Plugins.Serves(ctx, b.Kind, b.Plugin, sdk.CapEgress); err == nil && !holds {
			return config.Problems{refusedAt(e, b, plugins.HoldsNoRule(b.Kind, b.Plugin))}, nil
		}
	}
	if t.Plugins.IsIsolated(b.Kind, b.Plugin) {
		return nil, nil
	}
	resolved, err := t.Config.ResolveBlock(e, b)
	if err != nil {
		return nil, err
	}
	if t.Dry && b.Kind == storage.Kind {
		return nil, nil
	}
	spec := instanceSpec(e, b, resolved)
	spec.Block = "" // refusedAt adds it
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

// refusedAt returns the problem for a key that a plugin refused in its block. The problem has
// the position of that key. If the key was not set, it has the position of the nearest key
// above that was.
func refusedAt(e *config.Effective, b config.Block, f *fault.Error) config.Problem {
	root := config.Path{blockKeys[b.Kind]}
	path := root
	if f.Path != "" {
		path = append(slices.Clone(root), strings.Split(f.Path, ".")...)
	}
	p := config.Problem{Path: path, Message: f.Message}
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
