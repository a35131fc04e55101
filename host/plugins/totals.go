package plugins

import (
	"slices"
	"sync/atomic"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// Totals count what happened to a plugin since the host was started, in all its
// processes, those that have ended too.
type Totals struct {
	Kind, Name string
	Restarts   int64 // restarts after a process ended without being asked to
	// Calls counts calls by their result: "" is success, else the name of the fault's class.
	// Calls that only configure are not counted.
	Calls        map[string]int64
	DroppedLines int64 // lines of its output that were not logged, because they were too many
	Blamed       int64 // ends of its processes that one tenant certainly caused
	KeptAway     int64 // how often the plugin began to refuse a tenant's calls for that
}

// totals are the counters of one plugin.
type totals struct {
	restarts, dropped, blamed, keptAway atomic.Int64

	calls [len(callClasses) + 1]atomic.Int64 // the last counts calls that succeeded
}

// callClasses are the classes that calls are counted by; any other counts as internal,
// which is the first.
var callClasses = [...]fault.Class{
	fault.Internal, fault.NotFound, fault.Invalid, fault.Conflict, fault.Unauthenticated, fault.Forbidden, fault.RateLimited,
	fault.QuotaExhausted, fault.ContextTooLong, fault.ContentFiltered, fault.ProviderFailed, fault.PluginUnavailable, fault.Deadline,
	fault.Canceled, fault.UnknownInstance,
}

// countCall counts a call by how it ended.
func (t *totals) countCall(err error) {
	at := len(callClasses)
	if err != nil {
		at = max(0, slices.Index(callClasses[:], fault.Of(err).Class))
	}
	t.calls[at].Add(1)
}

// totalsOf returns the counters of the plugin. They stay when its processes are gone.
func (m *Manager) totalsOf(r discovery.Ref) *totals {
	t, ok := m.totals.Load(r)
	if !ok {
		t, _ = m.totals.LoadOrStore(r, new(totals))
	}
	return t.(*totals)
}

// Totals returns the counts of all plugins that were used, in a fixed order.
func (m *Manager) Totals() []Totals {
	var out []Totals
	for key, value := range m.totals.Range {
		r, t := key.(discovery.Ref), value.(*totals)
		one := Totals{Kind: r.Kind, Name: r.Name, Restarts: t.restarts.Load(), DroppedLines: t.dropped.Load(), Blamed: t.blamed.Load(), KeptAway: t.keptAway.Load(), Calls: map[string]int64{}}
		for i := range t.calls {
			class := ""
			if i < len(callClasses) {
				class = callClasses[i].String()
			}
			if n := t.calls[i].Load(); n > 0 || class == "" {
				one.Calls[class] = n
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Totals) int {
		return discovery.Ref{Kind: a.Kind, Name: a.Name}.Compare(discovery.Ref{Kind: b.Kind, Name: b.Name})
	})
	return out
}

// Background returns how many background tasks run on storages, see RunInBackground. They end turns
// whose storage did not answer.
func (m *Manager) Background() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, in := range m.instances {
		n += in.backgroundTasks
	}
	return n
}
