package host

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
)

// instanceSpec returns the spec with which the plugin manager opens the instance for a block and
// for its nested blocks. It resolves the references of the blocks.
func instanceSpec(cfg *config.Host, e *config.Effective, b config.Block) (plugins.Spec, error) {
	resolved, err := cfg.ResolveBlock(e, b)
	if err != nil {
		return plugins.Spec{}, err
	}
	spec := plugins.Spec{
		Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Block: fault.Path(b.Path()), Role: b.Role(),
		Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
	}
	for _, n := range b.Nested() {
		nested, err := instanceSpec(cfg, e, n)
		if err != nil {
			return plugins.Spec{}, err
		}
		spec.Nested = append(spec.Nested, nested)
	}
	return spec, nil
}

// openBlock opens the plugin instance for a tenant's block. The caller closes the instance. Only
// the archive uses openBlock, for its storages and memories; buildBot opens the instances of a
// bot, and Trial opens instances to check settings.
func (h *Host) openBlock(ctx context.Context, e *config.Effective, b config.Block) (*plugins.Instance, error) {
	spec, err := instanceSpec(h.config.Load(), e, b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err).By(fault.PartyTenant)
	}
	i, err := h.manager.Open(ctx, spec)
	if errors.Is(err, config.ErrUnknownPlugin) {
		return nil, unknownPlugin(err)
	}
	return i, err
}

// unknownPlugin returns the error for a block whose plugin is not installed. err is or wraps
// config.ErrUnknownPlugin.
func unknownPlugin(err error) *fault.Error {
	gone := fault.New(fault.PluginUnavailable, "%w", err).By(fault.PartyHost)
	gone.Retryable = false
	return gone
}
