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

// errNotKnown is the error while the registry is not open yet, and for an id that is no
// tenant's.
var errNotKnown = errors.New("what the tenant wants is not known")

// currentConfig returns the function that tells the plugins which configuration a tenant has
// of a plugin now; see plugins.Options.Wanted. If the tenant's newest settings are refused,
// these are the settings that it is served with. The registry is opened after the plugins:
// until then, opened is empty.
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
