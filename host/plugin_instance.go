package host

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
)

// blockKeys maps each plugin kind to the key of the block that configures a plugin of the kind.
var blockKeys = map[string]string{"llm": "llm", "memory": "memory", "storage": "conversation_storage"}

// pluginBlocks returns the plugin blocks of a tenant's configuration.
func pluginBlocks(e *config.Effective) []config.Block {
	return []config.Block{e.LLM, e.Memory, e.Storage}
}

// instanceSpec returns the spec with which the plugin manager opens the instance for a block.
// resolved is the block with its references resolved.
func instanceSpec(e *config.Effective, b config.Block, resolved config.Resolved) plugins.Spec {
	return plugins.Spec{
		Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Block: blockKeys[b.Kind],
		Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
	}
}

// openBlock opens the plugin instance for a tenant's block. The caller closes the instance. Only
// the archive uses openBlock, for its storages and memories; buildBot opens the instances of a
// bot, and Trial opens instances to check settings.
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
