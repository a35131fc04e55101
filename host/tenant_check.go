package host

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/registry"
)

// checkWith returns the function by which the registry judges a tenant's settings under the
// host's files cfg: they are merged and checked, and then tried with their plugins if the
// registry wants that.
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
		// Other settings are judged while this one waits for its plugins.
		if err := fairshare.Away(ctx, func() error { return t.Run(ctx, e) }); err != nil {
			return nil, err
		}
		return e, nil
	}
}
