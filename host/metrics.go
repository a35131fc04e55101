package host

import (
	"runtime/debug"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/tenantstore"
)

// Metrics returns the metrics of the host, or nil if metrics.enabled is false. They work until
// the host is closed.
func (h *Host) Metrics() *metrics.Metrics { return h.metrics }

// newMetrics returns metrics that read the parts of the host, or nil if metrics are disabled. The
// parts must exist before the call.
func (h *Host) newMetrics(s config.Metrics, registrations *tenantstore.Store) (*metrics.Metrics, error) {
	if !s.Enabled {
		return nil, nil
	}
	sources := metrics.Sources{
		Plugins: h.manager.Status, PluginTotals: h.manager.Totals, OrphanTurns: h.manager.Background,
		FailedRenewals: h.leases.Failures, Following: h.follower.Stats, Tenants: h.registry.Counts, HasTenant: h.registry.Has,
		DroppedLogLines: h.options.DroppedLogLines, Version: buildVersion(),
	}
	if registrations != nil {
		sources.RegistryLag = func() (time.Duration, int64, bool) {
			age, changes := registrations.Lag()
			return age, changes, true
		}
	}
	return metrics.New(metrics.Options{
		TenantLabel: s.TenantLabel, MaxTenantLabels: s.MaxTenantLabels, Sources: sources, Log: h.log.Named("metrics"),
	})
}

// buildVersion returns the version of the program, or "unknown".
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
