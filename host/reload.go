package host

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// Reloaded is what a reload did, or would do.
type Reloaded struct {
	Applied bool
	Changes []registry.Change // tenants whose revision changes
	Broken  int               // of these, served ones that would break; then nothing is applied
	// Restart names the host keys that are another in the files than in what runs, and
	// count from the next start of the host, or of a plugin's process: config.AppliesOf
	// says which. They are named by each reload until then.
	Restart []string
	Removed []string // tenants that were held and are dropped
	// Warnings are what the files have that is no mistake for sure: see Warnings.
	Warnings config.Problems
}

// ReloadOptions say what a reload is to do.
type ReloadOptions struct {
	DryRun         bool // only say what would change
	ConfirmRemoved bool // drop the tenants that are held, as ConfirmRemoved does, if the files are applied
}

// Reload reads the host's files again, checks every tenant under them, and serves
// by them from then on, unless a tenant that is served would break: then nothing
// changes. Turns at work finish on what they began with. Bad host files, and such as
// the next start would refuse, are config.Problems.
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
	if _, _, err := RegistryStorage(ctx, cfg, h.manager); err != nil {
		return Reloaded{}, err
	}
	settings := cfg.Settings
	if err := cfg.CheckDefaults(ctx, h.manager.Under(settings.Plugin)); err != nil {
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
		// Whether they would break does not matter any more. One whose file is back by then
		// is read again, as any file is.
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
		// What was wrong with a tenant's file may have been in what it inherits.
		h.tenants.RetryRefused()
	}
	h.log.Info("host files read again", "applied", out.Applied, "dry_run", o.DryRun, "tenants_changed", len(out.Changes), "tenants_broken", out.Broken)
	for _, c := range out.Changes {
		if c.Held != nil {
			h.log.Info("a tenant's own settings are held: they are not what the host's files allow", "tenant", c.Tenant, "dry_run", o.DryRun, "reason", c.Held)
		}
	}
	h.warn(out.Warnings)
	if len(out.Restart) > 0 {
		h.log.Warn("keys of the host's files do not count before the next start", "keys", out.Restart)
	}
	return out, nil
}

// apply has the files count from now on, but for what counts from the next start.
func (h *Host) apply(cfg *config.Host) {
	settings := h.options.over(cfg.Settings).AsApplied(h.Settings())
	h.config.Store(cfg)
	h.settings.Store(&settings)
}

// pending names what differs between the files and what runs, and waits for a start.
func (h *Host) pending(files *config.Host) []string {
	keys := config.PendingRestart(h.opened, files, h.options.over)
	settings := files.Settings
	keys = append(keys, h.manager.Pending(settings.Plugin)...)
	slices.Sort(keys)
	return keys
}
