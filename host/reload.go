package host

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// Reloaded is the result of a reload, or of a dry run of a reload.
type Reloaded struct {
	Applied bool
	Changes []registry.Change // tenants whose revision changes
	Broken  int               // number of served tenants that would become invalid; if not 0, nothing is applied
	// Restart lists the host keys whose new values do not apply yet, because they need a restart
	// of the host or of a plugin's process; config.AppliesOf says which. Each further reload
	// returns these keys again until the restart.
	Restart []string
	Removed []string // held tenants that the host no longer serves
	// Warnings is the result of the function Warnings for the new files.
	Warnings config.Problems
}

// ReloadOptions are the options of Reload.
type ReloadOptions struct {
	DryRun         bool // only report what would change
	ConfirmRemoved bool // call Host.ConfirmRemoved after the files are applied
}

// Reload reads the host's files again and checks every tenant against them. If a tenant that is
// served would become invalid, nothing changes. Otherwise the files apply from then on. Running
// turns finish with the configuration with which they began. If the files are invalid, or the
// next start would refuse them, the error is config.Problems. Concurrent calls run one after
// another.
func (h *Host) Reload(ctx context.Context, o ReloadOptions) (Reloaded, error) {
	select {
	case h.reload <- struct{}{}:
		defer func() { <-h.reload }()
	case <-ctx.Done():
		return Reloaded{}, fault.Of(context.Cause(ctx))
	}
	if h.options.ConfigFile == "" {
		return Reloaded{}, fault.New(fault.Invalid, "the host was opened without a host file: there is nothing to read again")
	}
	cfg, err := readFiles(h.options, h.key)
	if err != nil {
		return Reloaded{}, err
	}
	if wrong := Preflight(h.options, cfg); len(wrong) > 0 {
		return Reloaded{}, wrong
	}
	if _, err := RegistryStorage(ctx, cfg, h.manager); err != nil {
		return Reloaded{}, err
	}
	settings := cfg.Settings
	if err := cfg.CheckDefaults(ctx, h.manager.Under(settings.Plugin), AskPlugins(h.manager)); err != nil {
		return Reloaded{}, err
	}
	var out Reloaded
	out.Restart = h.pending(cfg)
	out.Warnings = Warnings(h.options, cfg, h.manager)
	commit := func() { h.apply(cfg) }
	if o.DryRun {
		commit = nil
	}
	var leaving []string
	if o.ConfirmRemoved {
		// Held tenants whose removal is confirmed are dropped, so they may become invalid. If a
		// tenant's file has come back, it is read like any other file.
		out.Removed, leaving = h.tenants.Held()
	}
	tenants, err := h.registry.Reload(ctx, registry.ReloadOptions{Check: h.checkWith(cfg), Commit: commit, Leaving: leaving})
	if err != nil {
		return Reloaded{}, err
	}
	out.Changes, out.Broken = tenants.Changes, tenants.Broken
	out.Applied = !o.DryRun && out.Broken == 0
	switch {
	case out.Broken > 0:
		out.Removed = nil
	case o.ConfirmRemoved && !o.DryRun:
		out.Removed = h.tenants.ConfirmRemoved()
	}
	if out.Applied {
		h.manager.Reconfigure()
		// Tenant files may have been refused because of an old default in the host's files.
		h.tenants.RetryRefused()
	}
	h.log.Info("host files read again", "applied", out.Applied, "dry_run", o.DryRun, "tenants_changed", len(out.Changes), "tenants_broken", out.Broken)
	for _, c := range out.Changes {
		if c.Held != nil {
			h.log.Info("a tenant's own settings are held: they are not what the host's files allow", "tenant", c.Tenant, "dry_run", o.DryRun, "reason", c.Held)
		}
	}
	h.logWarnings(out.Warnings)
	if len(out.Restart) > 0 {
		h.log.Warn("keys of the host's files do not count before the next start", "keys", out.Restart)
	}
	return out, nil
}

// apply makes the new files apply, except for the keys that need a restart of the host.
func (h *Host) apply(cfg *config.Host) {
	settings := h.options.over(cfg.Settings).AsApplied(h.Settings())
	h.config.Store(cfg)
	h.settings.Store(&settings)
}

// pending returns the keys whose values in the files apply only after a restart of the host.
func (h *Host) pending(files *config.Host) []string {
	keys := config.PendingRestart(h.opened, files, h.options.over)
	settings := files.Settings
	keys = append(keys, h.manager.Pending(settings.Plugin)...)
	slices.Sort(keys)
	return keys
}
