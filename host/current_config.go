package host

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

// errNotKnown is returned while the registry is not open yet, and for a text that cannot be a
// tenant's id.
var errNotKnown = errors.New("what the tenant wants is not known")

// currentConfig returns a function for plugins.Options.Wanted, which returns the configuration
// with which a tenant currently uses a plugin. If the tenant's newest settings were refused, the
// function returns the configuration that still applies. The host opens the registry after the
// plugins; opened is empty until then.
func (h *Host) currentConfig(opened *atomic.Pointer[registry.Registry]) func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error) {
	return func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error) {
		r := opened.Load()
		if r == nil || config.ValidTenantID(tenant) != nil {
			return nil, egress.Policy{}, errNotKnown
		}
		t, err := r.Get(ctx, tenant)
		if err != nil {
			if fault.Of(err).Class == fault.NotFound {
				return nil, egress.Policy{}, nil
			}
			return nil, egress.Policy{}, err
		}
		e := t.Effective
		if e == nil {
			return nil, egress.Policy{}, nil
		}
		for _, b := range pluginBlocks(e) {
			if b.Kind == kind && b.Plugin == name {
				resolved, err := h.config.Load().ResolveBlock(e, b)
				return resolved.Config, resolved.Egress, err
			}
		}
		return nil, egress.Policy{}, nil
	}
}
