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

// errUnsaid is the error while no tenants are known, and for an id that no tenant can have.
var errUnsaid = errors.New("what the tenant wants is not known")

// wanted returns the configuration that a tenant has of a plugin now; see
// plugins.Options.Wanted. A tenant whose newest settings are refused has those that it is
// served with. The registry is opened after the plugins.
func (h *Host) wanted(tenants *atomic.Pointer[registry.Registry]) func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error) {
	return func(ctx context.Context, kind, name, tenant string) ([]byte, egress.Policy, error) {
		r := tenants.Load()
		if r == nil || config.ValidTenantID(tenant) != nil {
			return nil, egress.Policy{}, errUnsaid
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
		for _, b := range []config.Block{e.LLM, e.Memory, e.Storage} {
			if b.Kind == kind && b.Plugin == name {
				resolved, err := h.config.Load().ResolveBlock(e, b)
				return resolved.Config, resolved.Egress, err
			}
		}
		return nil, egress.Policy{}, nil
	}
}
