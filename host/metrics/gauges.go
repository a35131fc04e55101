package metrics

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/botyard/botyard/host/follow"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Sources has the functions that supply values when the page is requested. Several goroutines call
// the functions concurrently. If a function is nil, the page omits its metrics.
type Sources struct {
	Plugins        func() []plugins.Status
	PluginTotals   func() []plugins.Totals
	OrphanTurns    func() int // returns the number of orphan turns
	FailedRenewals func() int64
	// Following returns what memories that follow conversations have done. May be nil.
	Following func() follow.Stats
	Tenants   func() registry.Counts
	// RegistryLag returns the time since the registry last heard from its tenant store, and how
	// many changes of the tenant store the registry has not read yet. ok is false if the registry
	// has no tenant store.
	RegistryLag     func() (age time.Duration, changes int64, ok bool)
	DroppedLogLines func() int64
	HasTenant       func(id string) bool // reports whether the tenant exists; required if Options.TenantLabel is set
	Version         string               // the version of the host
}

// states are all states of a plugin's process.
var states = []plugins.State{
	plugins.Available, plugins.Starting, plugins.Ready, plugins.Backoff, plugins.Quarantined, plugins.Draining, plugins.Stopped, plugins.Failed,
}

// pluginSums are the sums over all processes of one plugin.
type pluginSums struct {
	states                                map[plugins.State]int64
	running, waiting, instances, circuits int64
}

type pluginName struct{ kind, name string }

func (p pluginName) labels() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("kind", p.kind), attribute.String("name", p.name)}
}

// byPlugin returns the sums of each plugin.
func byPlugin(all []plugins.Status) map[pluginName]*pluginSums {
	out := map[pluginName]*pluginSums{}
	for _, st := range all {
		name := pluginName{st.Kind, st.Name}
		now := out[name]
		if now == nil {
			now = &pluginSums{states: map[plugins.State]int64{}}
			out[name] = now
		}
		now.states[st.State]++
		now.running += int64(st.Calls)
		now.waiting += int64(st.Waiting)
		now.instances += int64(st.Instances)
		now.circuits += int64(st.OpenCircuits)
	}
	return out
}

// instruments creates instruments and joins the errors of creating them.
type instruments struct {
	meter metric.Meter
	all   []metric.Observable
	err   error
}

func (i *instruments) gauge(name string) metric.Int64ObservableGauge {
	g, err := i.meter.Int64ObservableGauge(name, metric.WithDescription(help(name)))
	i.all, i.err = append(i.all, g), errors.Join(i.err, err)
	return g
}

func (i *instruments) seconds(name string) metric.Float64ObservableGauge {
	g, err := i.meter.Float64ObservableGauge(name, metric.WithDescription(help(name)))
	i.all, i.err = append(i.all, g), errors.Join(i.err, err)
	return g
}

func (i *instruments) counter(name string) metric.Int64ObservableCounter {
	c, err := i.meter.Int64ObservableCounter(name, metric.WithDescription(help(name)))
	i.all, i.err = append(i.all, c), errors.Join(i.err, err)
	return c
}

// observe creates the instruments whose values come from the sources, and registers a callback that
// reads the sources each time that the page is requested.
func (m *Metrics) observe(meter metric.Meter, s Sources) error {
	i := &instruments{meter: meter}
	running, waiting, build := i.gauge(turnsRunning), i.gauge(turnsWaiting), i.gauge(buildInfo)
	open, failed, dropped := i.gauge(turnsOrphaned), i.counter(leasesFailed), i.counter(logDropped)
	told, forgotten, stumbled, behindTenants := i.counter(memoryTurns), i.counter(memoryForgets), i.counter(memoryFailed), i.gauge(memoryWaiting)
	now, totals := i.pluginsNow(), i.pluginTotals()
	held, invalid, unavailable, cached := i.gauge(tenantsHeld), i.gauge(tenantsInvalid), i.gauge(tenantsUnavailable), i.gauge(botsCached)
	lag, behind := i.seconds(registryLag), i.gauge(registryBehind)
	if i.err != nil {
		return i.err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(running, m.running.Load())
		o.ObserveInt64(waiting, m.waiting.Load())
		o.ObserveInt64(build, 1, metric.WithAttributes(attribute.String("version", s.Version), attribute.String("go", runtime.Version())))
		if s.OrphanTurns != nil {
			o.ObserveInt64(open, int64(s.OrphanTurns()))
		}
		if s.FailedRenewals != nil {
			o.ObserveInt64(failed, s.FailedRenewals())
		}
		if s.Following != nil {
			f := s.Following()
			o.ObserveInt64(told, f.Remembered)
			o.ObserveInt64(forgotten, f.Forgotten)
			o.ObserveInt64(stumbled, f.Failed)
			o.ObserveInt64(behindTenants, int64(f.Waiting))
		}
		if s.DroppedLogLines != nil {
			o.ObserveInt64(dropped, s.DroppedLogLines())
		}
		if s.Plugins != nil {
			now(o, s.Plugins())
		}
		if s.PluginTotals != nil {
			totals(o, s.PluginTotals())
		}
		if s.Tenants != nil {
			c := s.Tenants()
			o.ObserveInt64(held, int64(c.Tenants))
			o.ObserveInt64(invalid, int64(c.Invalid))
			o.ObserveInt64(unavailable, int64(c.Unavailable))
			o.ObserveInt64(cached, int64(c.CachedBots))
		}
		if s.RegistryLag != nil {
			if age, changes, ok := s.RegistryLag(); ok {
				o.ObserveFloat64(lag, age.Seconds())
				o.ObserveInt64(behind, changes)
			}
		}
		return nil
	}, i.all...)
	return err
}

// pluginsNow creates the gauges of plugins. It returns the function that sets the gauges.
func (i *instruments) pluginsNow() func(metric.Observer, []plugins.Status) {
	processes, running, waiting := i.gauge(pluginProcesses), i.gauge(pluginRunning), i.gauge(pluginWaiting)
	instances, circuits := i.gauge(pluginInstances), i.gauge(pluginCircuits)
	return func(o metric.Observer, all []plugins.Status) {
		for name, now := range byPlugin(all) {
			which := metric.WithAttributes(name.labels()...)
			o.ObserveInt64(running, now.running, which)
			o.ObserveInt64(waiting, now.waiting, which)
			o.ObserveInt64(instances, now.instances, which)
			o.ObserveInt64(circuits, now.circuits, which)
			for _, state := range states {
				o.ObserveInt64(processes, now.states[state], metric.WithAttributes(append(name.labels(), attribute.String("state", string(state)))...))
			}
		}
	}
}

// pluginTotals creates the counters of plugins. It returns the function that sets the counters.
func (i *instruments) pluginTotals() func(metric.Observer, []plugins.Totals) {
	restarts, calls, dropped := i.counter(pluginRestarts), i.counter(pluginCalls), i.counter(pluginDropped)
	blamed, keptAway, callbacks := i.counter(pluginBlamed), i.counter(pluginKeptAway), i.counter(pluginCallbacks)
	return func(o metric.Observer, all []plugins.Totals) {
		for _, t := range all {
			name := pluginName{t.Kind, t.Name}
			o.ObserveInt64(restarts, t.Restarts, metric.WithAttributes(name.labels()...))
			o.ObserveInt64(blamed, t.Blamed, metric.WithAttributes(name.labels()...))
			o.ObserveInt64(keptAway, t.KeptAway, metric.WithAttributes(name.labels()...))
			o.ObserveInt64(dropped, t.DroppedLines, metric.WithAttributes(name.labels()...))
			for class, n := range t.Calls {
				o.ObserveInt64(calls, n, metric.WithAttributes(append(name.labels(), attribute.String("class", class))...))
			}
			for service, counts := range t.Callbacks {
				for class, n := range counts {
					o.ObserveInt64(callbacks, n, metric.WithAttributes(append(name.labels(), attribute.String("service", service), attribute.String("class", class))...))
				}
			}
		}
	}
}
