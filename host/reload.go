package host

import (
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// Reloaded says what a reload did, or would do.
type Reloaded struct {
	Applied bool
	Changes []registry.Change // tenants whose revision changes
	Broken  int               // of these, served ones that would break; then nothing is applied
	Restart []string          // host keys that changed and count from the next start only
	Removed []string          // tenants that were held and are dropped
}

// ReloadOptions say what a reload is to do.
type ReloadOptions struct {
	DryRun         bool // only say what would change
	ConfirmRemoved bool // drop the tenants that are held, as ConfirmRemoved does, if the files are applied
}

// Reload reads the host's files again, checks every tenant under them, and serves
// by them from then on, unless a tenant that is served would break: then nothing
// changes. Turns at work finish on what they began with. Bad host files are
// config.Problems.
func (h *Host) Reload(ctx context.Context, o ReloadOptions) (Reloaded, error) {
	h.reload.Lock()
	defer h.reload.Unlock()
	if h.options.ConfigFile == "" {
		return Reloaded{}, fault.New(fault.Invalid, "the host was opened without a host file: there is nothing to read again")
	}
	cfg, _, err := load(h.options)
	if err != nil {
		return Reloaded{}, err
	}
	if err := cfg.CheckDefaults(ctx, h.manager); err != nil {
		return Reloaded{}, err
	}
	var out Reloaded
	out.Restart = needRestart(h.config.Load(), cfg)
	commit := func() { h.config.Store(cfg) }
	if o.DryRun {
		commit = nil
	}
	var leaving []string
	if o.ConfirmRemoved {
		// Whether they would break does not matter any more. One whose file is back by then
		// is read again, as any file is.
		out.Removed, leaving = h.tenants.Held()
	}
	out.Changes, out.Broken, err = h.registry.Rebase(ctx, h.checkWith(cfg), commit, leaving...)
	if err != nil {
		return Reloaded{}, err
	}
	out.Applied = !o.DryRun && out.Broken == 0
	switch {
	case out.Broken > 0:
		out.Removed = nil
	case o.ConfirmRemoved && !o.DryRun:
		out.Removed = h.tenants.ConfirmRemoved()
	}
	if out.Applied {
		// What was wrong with a tenant's file may have been in what it inherits.
		h.tenants.Retry()
	}
	h.log.Info("host files read again", "applied", out.Applied, "dry_run", o.DryRun, "tenants_changed", len(out.Changes), "tenants_broken", out.Broken)
	return out, nil
}

// needRestart names the host's keys that differ and that a running host cannot
// change.
func needRestart(before, after *config.Host) []string {
	old, now := before.Settings, after.Settings
	var keys []string
	for key, changed := range map[string]bool{
		"listen":         old.Listen != now.Listen,
		"data_dir":       old.DataDir != now.DataDir,
		"auth":           fmt.Sprint(old.Auth) != fmt.Sprint(now.Auth),
		"tls":            old.TLS != now.TLS,
		"plugin_dirs":    !slices.Equal(old.PluginDirs, now.PluginDirs),
		"tenant_dirs":    !slices.Equal(old.TenantDirs, now.TenantDirs),
		"registry":       old.Registry != now.Registry || !before.IsRegistrySame(after),
		"shutdown_grace": old.ShutdownGrace != now.ShutdownGrace,
	} {
		if changed {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
