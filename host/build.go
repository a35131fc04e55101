package host

import (
	"context"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// build assembles a tenant's bot from plugin instances. Instances are shared by
// all bots that are configured alike.
func (h *Host) build(ctx context.Context, e *config.Effective, gate *bot.Gate) (built registry.Built, err error) {
	var open []*plugins.Instance
	release := func() {
		for _, i := range open {
			i.Close()
		}
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	names := make(map[string]string, 3)
	instance := func(b config.Block) (*plugins.Instance, error) {
		resolved, err := h.config.Resolve(e, b)
		if err != nil {
			return nil, fault.New(fault.Invalid, "tenant %q: %w", e.Tenant, err).By(fault.PartyTenant)
		}
		i, err := h.manager.Open(ctx, plugins.Spec{Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Config: resolved})
		if err != nil {
			return nil, err
		}
		open = append(open, i)
		ref := i.Plugin()
		names[b.Kind] = ref.Name + " " + ref.Version
		return i, nil
	}
	model, err := instance(e.LLM)
	if err != nil {
		return built, err
	}
	memory, err := instance(e.Memory)
	if err != nil {
		return built, err
	}
	if memory.Memory().Needs().Remember {
		return built, fault.New(fault.Invalid, "memory %q keeps something of past turns, and this host keeps no cursor for it", e.Memory.Plugin).
			At("memory.type").By(fault.PartyTenant)
	}
	storage, err := instance(e.Storage)
	if err != nil {
		return built, err
	}
	renewer := storage.Renewer()
	return registry.Built{
		Bot: bot.New(bot.Parts{
			Tenant: e.Tenant, Revision: e.Revision, System: e.System, Limits: e.Limits,
			LLM: model.LLM(), Memory: memory.Memory(), Storage: storage.Storage(), Plugins: names,
			Gate: gate, Hold: func() func() { return h.leases.Hold(storage.ID(), renewer) },
			Host: h.name, Holder: h.holder, Log: h.log,
		}),
		Release: release,
	}, nil
}
