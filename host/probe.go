package host

import (
	"context"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// blockKeys are the keys of the blocks that configure plugins, by kind.
var blockKeys = map[string]string{"llm": "llm", "memory": "memory", "storage": "conversation_storage"}

// probeTimeout is what one Probe may take. Tests make it short.
var probeTimeout = bounds.ProbeTimeout

// Probe has each plugin configured as the tenant wants it, so that what a schema
// cannot say is refused when the tenant is registered and not at its first chat:
// config.Problems. Plugins of which each tenant has a process of its own are left
// out: registering must not start one for each. A dry probe leaves out the storage: opening one
// makes its database. A plugin that is down is no reason
// to refuse; it is logged. So is one that does not answer in time, for whoever waits for all
// tenants waits for each. Where the tenant's own layer leads is judged for all of them.
func Probe(ctx context.Context, m *plugins.Manager, cfg *config.Host, e *config.Effective, dry bool, log hclog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	problems := cfg.CheckDestinations(ctx, e)
	for _, b := range []config.Block{e.LLM, e.Memory, e.Storage} {
		if b.Egress.Restricts() {
			if holds, err := m.Serves(ctx, b.Kind, b.Plugin, sdk.CapEgress); err == nil && !holds {
				problems = append(problems, refusal(e, b, plugins.HoldsNoRule(b.Kind, b.Plugin)))
				continue
			}
		}
		if m.IsIsolated(b.Kind, b.Plugin) {
			continue
		}
		resolved, err := cfg.ResolveBlock(e, b)
		if err != nil {
			return err
		}
		if dry && b.Kind == storage.Kind {
			continue
		}
		i, err := m.Open(ctx, plugins.Spec{Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress})
		switch f := fault.Of(err); {
		case err == nil:
			i.Close()
		case f.Class == fault.Invalid && f.Party != fault.PartyHost:
			problems = append(problems, refusal(e, b, f))
		default:
			log.Warn("a tenant's settings could not be tried", "tenant", e.Tenant, "kind", b.Kind, "plugin", b.Plugin, "error", err)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// refusal places what a plugin said of its configuration.
func refusal(e *config.Effective, b config.Block, f *fault.Error) config.Problem {
	root := config.Path{blockKeys[b.Kind]}
	path := root
	if f.Path != "" {
		path = append(slices.Clone(root), strings.Split(f.Path, ".")...)
	}
	p := config.Problem{Path: path, Message: f.Message}
	// The nearest key that was set; a default that was refused has none but its block's.
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
