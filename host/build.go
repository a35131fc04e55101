package host

import (
	"context"
	"crypto/sha256"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// build assembles a tenant's bot from plugin instances. Instances are shared by
// all bots that are configured alike.
func (h *Host) build(ctx context.Context, req registry.BuildRequest) (built registry.Built, err error) {
	e := req.Effective
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
	cfg := h.config.Load()
	names := make(map[string]string, 3)
	resolvedBlocks := make(map[string][sha256.Size]byte, 3) // of blocks with references
	instance := func(b config.Block) (*plugins.Instance, error) {
		resolved, err := cfg.ResolveBlock(e, b)
		if err != nil {
			// What is wrong has paths in it, which are the operator's to know.
			h.log.Error("a tenant's secrets cannot be read", "tenant", e.Tenant, "error", err.Error())
			return nil, fault.New(fault.Invalid, "the settings of tenant %q refer to something that is not there any more; the host's log says what", e.Tenant).By(fault.PartyTenant)
		}
		i, err := h.manager.Open(ctx, plugins.Spec{
			Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Block: blockKeys[b.Kind], Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
		})
		if err != nil {
			return nil, err
		}
		open = append(open, i)
		if b.HasReferences() {
			resolvedBlocks[b.Kind] = sha256.Sum256(resolved.Config)
		}
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
	if e.Owner == config.OwnerUser && !storage.KnowsOwners() {
		return built, fault.New(fault.Invalid, "storage %q does not keep the conversations of users apart: update it, or set \"tenant\" to have all users share them", e.Storage.Plugin).
			At("conversations.owner").By(fault.PartyTenant)
	}
	renewer := storage.Renewer()
	return registry.Built{
		Bot: bot.New(bot.Parts{
			Tenant: e.Tenant, Revision: e.Revision, System: e.System, Limits: e.Limits, Shared: e.Owner == config.OwnerTenant,
			LLM: model.LLM(), Memory: memory.Memory(), Storage: storage.Storage(), Plugins: names,
			Admission: req.Admission, Incarnation: req.Incarnation,
			Hold:            func(holder string) func() { return h.leases.Hold(storage.ID(), renewer, holder) },
			Unauthenticated: func() { h.registry.DropIfStale(e.Tenant) },
			Orphans:         &h.orphans,
			HeldBytes:       h.heldBytes,
			Observer:        h.metrics,
			Host:            h.name, Holder: h.holder, Log: h.log,
		}),
		Release: release,
		Stale:   h.stale(e, resolvedBlocks),
	}, nil
}

// missing returns which secret of the tenant's blocks is not there now; nil if none is missing.
func (h *Host) missing(e *config.Effective) error {
	cfg := h.config.Load()
	for _, b := range []config.Block{e.LLM, e.Memory, e.Storage} {
		if !b.HasReferences() {
			continue
		}
		if _, err := cfg.Resolve(e, b); err != nil {
			return err
		}
	}
	return nil
}

// stale reports whether the blocks resolve to something else than they did; nil if
// there are none. A secret that cannot be read now is no reason to drop a bot that
// works.
func (h *Host) stale(e *config.Effective, blocks map[string][sha256.Size]byte) func() bool {
	if len(blocks) == 0 {
		return nil
	}
	return func() bool {
		cfg := h.config.Load() // where secrets are, and who may have them, is the files'
		for _, b := range []config.Block{e.LLM, e.Memory, e.Storage} {
			was, ok := blocks[b.Kind]
			if !ok {
				continue
			}
			if now, err := cfg.Resolve(e, b); err == nil && sha256.Sum256(now) != was {
				return true
			}
		}
		return false
	}
}
