package host

import (
	"runtime/debug"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/tenantstore"
)

// Metrics are the host's; nil where metrics.enabled is false. They live as long as the
// host.
func (h *Host) Metrics() *metrics.Metrics { return h.metrics }

// newMetrics has the parts of the host asked, as soon as they are all there.
func (h *Host) newMetrics(s config.Metrics, registrations *tenantstore.Store) (*metrics.Metrics, error) {
	if !s.Enabled {
		return nil, nil
	}
	sources := metrics.Sources{
		Plugins: h.manager.Status, PluginTotals: h.manager.Totals, LeftOver: h.manager.Background,
		FailedRenewals: h.leases.Failures, Census: h.registry.Census, HasTenant: h.registry.Has,
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

func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
