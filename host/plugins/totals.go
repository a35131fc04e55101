package plugins

import (
	"slices"
	"sync/atomic"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk/fault"
)

// Totals counts what happened to a plugin since the host was started, in all its running
// and ended processes.
type Totals struct {
	Kind, Name string
	Restarts   int64 // ends of processes that the host did not ask to end
	// Calls counts calls by result. The key is empty for a success, and otherwise the name
	// of the error's class. Calls that only configure an instance are not counted.
	Calls map[string]int64
	// Callbacks counts the plugin's callbacks to the host services, by service and by result as
	// Calls. The services are those of services.Names.
	Callbacks    map[string]map[string]int64
	DroppedLines int64 // output lines that were not logged, because there were too many
	Blamed       int64 // crashes that a tenant certainly caused
	KeptAway     int64 // how often the plugin began to refuse a blamed tenant
}

// totals holds the counters of one plugin.
type totals struct {
	restarts, dropped, blamed, keptAway atomic.Int64

	calls     results
	callbacks [len(services.Names)]results // in the order of services.Names
}

// results counts calls by result. The last element counts successful calls.
type results [len(callClasses) + 1]atomic.Int64

// callClasses lists the error classes that calls are counted by. An error of another class
// counts as fault.Internal, which is the first.
var callClasses = [...]fault.Class{
	fault.Internal, fault.NotFound, fault.Invalid, fault.Conflict, fault.Unauthenticated, fault.Forbidden, fault.RateLimited,
	fault.QuotaExhausted, fault.ContextTooLong, fault.ContentFiltered, fault.ProviderFailed, fault.PluginUnavailable, fault.Deadline,
	fault.Canceled, fault.Unsupported, fault.UnknownInstance,
}

// count counts a call by its result err.
func (r *results) count(err error) {
	at := len(callClasses)
	if err != nil {
		at = max(0, slices.Index(callClasses[:], fault.Of(err).Class))
	}
	r[at].Add(1)
}

// byClass returns the counts that are not 0, by the name of the class. The name of success is empty.
func (r *results) byClass() map[string]int64 {
	out := map[string]int64{}
	for i := range r {
		class := ""
		if i < len(callClasses) {
			class = callClasses[i].String()
		}
		if n := r[i].Load(); n > 0 {
			out[class] = n
		}
	}
	return out
}

// countCallback counts a callback to the host service by its result err.
func (t *totals) countCallback(service string, err error) {
	t.callbacks[slices.Index(services.Names[:], service)].count(err)
}

// totalsOf returns the counters of the plugin. They are kept when the plugin's processes
// have ended.
func (m *Manager) totalsOf(r discovery.Ref) *totals {
	t, ok := m.totals.Load(r)
	if !ok {
		t, _ = m.totals.LoadOrStore(r, new(totals))
	}
	return t.(*totals)
}

// Totals returns the counts of all plugins used so far, sorted by kind and name.
func (m *Manager) Totals() []Totals {
	var out []Totals
	for key, value := range m.totals.Range {
		r, t := key.(discovery.Ref), value.(*totals)
		one := Totals{Kind: r.Kind, Name: r.Name, Restarts: t.restarts.Load(), DroppedLines: t.dropped.Load(), Blamed: t.blamed.Load(), KeptAway: t.keptAway.Load(),
			Calls: t.calls.byClass(), Callbacks: map[string]map[string]int64{}}
		one.Calls[""] += 0 // a plugin without a successful call has a 0 on the metrics page
		for i, service := range services.Names {
			if counts := t.callbacks[i].byClass(); len(counts) > 0 {
				one.Callbacks[service] = counts
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Totals) int {
		return discovery.Ref{Kind: a.Kind, Name: a.Name}.Compare(discovery.Ref{Kind: b.Kind, Name: b.Name})
	})
	return out
}

// Background returns how many background tasks of RunInBackground currently run. These
// tasks end turns whose storage did not respond.
func (m *Manager) Background() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, in := range m.instances {
		n += in.backgroundTasks
	}
	return n
}
