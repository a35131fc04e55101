package host

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
)

// checkWith returns the function with which the registry checks a tenant's settings against the
// host's files cfg. The function merges and checks the settings. If the registry asks for a
// trial, it also tries the settings with their plugins.
func (h *Host) checkWith(cfg *config.Host) registry.Check {
	return func(ctx context.Context, id string, docs config.Documents, trial registry.Trial) (*config.Effective, error) {
		settings := cfg.Settings
		e, err := cfg.Tenant(ctx, id, docs, h.manager.Under(settings.Plugin))
		if err != nil || trial == registry.NoTrial {
			return e, err
		}
		t := Trial{
			Plugins: h.manager, Config: cfg, Log: h.log,
			Dry: trial == registry.DryTrial || !h.registry.MayTry(id, cfg.SealBlock(id, e.Storage)),
		}
		// While this check waits for plugins, another check may use its processor slot.
		if err := fairshare.Away(ctx, func() error { return t.Run(ctx, e) }); err != nil {
			return nil, err
		}
		return e, nil
	}
}
