package host

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// errNotKnown is returned while the registry is not open yet, and for a text that cannot be a
// tenant's id.
var errNotKnown = errors.New("what the tenant wants is not known")

// currentConfig returns a function for plugins.Options.Wanted, which returns the configuration
// with which a tenant currently uses a plugin. If the tenant's newest settings were refused, the
// function returns the configuration that still applies. The host opens the registry after the
// plugins; opened is empty until then.
func (h *Host) currentConfig(opened *atomic.Pointer[registry.Registry]) func(ctx context.Context, kind, name, tenant string) ([]plugins.Spec, error) {
	return func(ctx context.Context, kind, name, tenant string) ([]plugins.Spec, error) {
		r := opened.Load()
		if r == nil || config.ValidTenantID(tenant) != nil {
			return nil, errNotKnown
		}
		t, err := r.Get(ctx, tenant)
		if err != nil {
			if fault.Of(err).Class == fault.NotFound {
				return nil, nil
			}
			return nil, err
		}
		e := t.Effective
		if e == nil {
			return nil, nil
		}
		var specs []plugins.Spec
		for _, b := range e.Blocks() {
			if b.Kind == kind && b.Plugin == name {
				spec, err := instanceSpec(h.config.Load(), e, b)
				if err != nil {
					return nil, err
				}
				specs = append(specs, spec)
			}
		}
		return specs, nil
	}
}
