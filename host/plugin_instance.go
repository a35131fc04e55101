package host

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
)

// blockKeys maps each plugin kind to the key of the block that configures it.
var blockKeys = map[string]string{"llm": "llm", "memory": "memory", "storage": "conversation_storage"}

// pluginBlocks returns the blocks of a tenant that configure plugins.
func pluginBlocks(e *config.Effective) []config.Block {
	return []config.Block{e.LLM, e.Memory, e.Storage}
}

// instanceSpec returns the spec for opening the instance that the block configures. resolved
// is the block with its references resolved.
func instanceSpec(e *config.Effective, b config.Block, resolved config.Resolved) plugins.Spec {
	return plugins.Spec{
		Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Block: blockKeys[b.Kind],
		Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
	}
}

// openBlock opens the instance that the tenant's block configures. The caller closes it. It
// is for the archive's storages and memories. buildBot opens the plugins of a bot, and Trial
// those of settings that are tried.
func (h *Host) openBlock(ctx context.Context, e *config.Effective, b config.Block) (*plugins.Instance, error) {
	resolved, err := h.config.Load().ResolveBlock(e, b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err).By(fault.PartyTenant)
	}
	i, err := h.manager.Open(ctx, instanceSpec(e, b, resolved))
	if errors.Is(err, config.ErrUnknownPlugin) {
		gone := fault.New(fault.PluginUnavailable, "%w", err).By(fault.PartyHost)
		gone.Retryable = false
		return nil, gone
	}
	return i, err
}
