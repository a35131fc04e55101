package plugins

import (
	"cmp"
	"slices"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
)

// State is the state of a plugin's process.
type State string

const (
	Available   State = "available"   // found, and not needed yet
	Starting    State = "starting"    // between its start and its answer
	Ready       State = "ready"       // takes calls
	Backoff     State = "backoff"     // failed, and is started again soon
	Quarantined State = "quarantined" // failed again and again; tried once a minute
	Draining    State = "draining"    // takes no new calls
	Stopped     State = "stopped"     // ended in order
	Failed      State = "failed"      // cannot be used as it is; LastError says why
)

// Status is one process of a plugin, or a plugin without one.
type Status struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Version   string `json:"version,omitempty"`
	Path      string `json:"path"`
	SHA256    string `json:"sha256,omitempty"`
	Scope     string `json:"scope,omitempty"` // the tenant, when isolated by tenant
	PID       int    `json:"pid,omitempty"`
	State     State  `json:"state"`
	Restarts  int    `json:"restarts"`
	Instances int    `json:"instances"`
	Calls     int    `json:"calls"`   // in progress
	Waiting   int    `json:"waiting"` // for a slot
	// OpenCircuits counts what is not called for a while, since it failed too often: the
	// upstream of an instance, for all or for one tenant.
	OpenCircuits int    `json:"open_circuits"`
	LastError    string `json:"last_error,omitempty"`
	// KeptAway are the tenants that are refused for a while, and Cells the processes beside
	// this one for tenants that were in one when it ended.
	KeptAway  []KeptAway `json:"kept_away,omitempty"`
	Cells     []Cell     `json:"cells,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
}

// Status returns all plugins that were found, and all processes, in a fixed order.
func (m *Manager) Status() []Status {
	m.mu.Lock()
	var out []Status
	supervised, failed := map[discovery.Ref]bool{}, map[discovery.Ref]bool{}
	circuits := map[*supervisor]int{}
	for _, in := range m.instances {
		circuits[in.sup] += in.breaker.OpenCircuits()
	}
	for _, s := range m.supervisors {
		supervised[s.ref] = true
		rows := s.status()
		rows[0].OpenCircuits = circuits[s]
		failed[s.ref] = failed[s.ref] || rows[0].State == Failed
		out = append(out, rows...)
	}
	for r, b := range m.binaries {
		if supervised[r] && b.Refusal == nil || failed[r] {
			continue // it has a row already
		}
		st := Status{Kind: r.Kind, Name: r.Name, Path: b.Path, SHA256: b.SHA256, State: Available}
		if b.Refusal != nil {
			st.State, st.LastError = Failed, b.Refusal.Error()
		}
		out = append(out, st)
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.PID, b.PID))
	})
	return out
}

// status returns the supervisor's own row, and one for each process that drains.
func (s *supervisor) status() []Status {
	waiting := s.queue.Waiting()
	away, cells := s.attribution.status()
	s.mu.Lock()
	defer s.mu.Unlock()
	own := Status{
		Kind: s.ref.Kind, Name: s.ref.Name, Path: s.bin.Path, SHA256: s.bin.SHA256, Scope: s.scope,
		State: s.state, Restarts: s.restarts, Calls: s.calls, Waiting: waiting, LastError: s.lastErr,
		Version: s.info.GetVersion(),
	}
	if s.proc != nil {
		s.proc.describe(&own)
	}
	own.KeptAway, own.Cells = away, cells
	out := []Status{own}
	for p := range s.draining {
		st := Status{Kind: s.ref.Kind, Name: s.ref.Name, Scope: s.scope, State: Draining, Calls: p.inflight}
		p.describe(&st)
		out = append(out, st)
	}
	return out
}

// describe fills in what a row says of the process.
func (w *worker) describe(st *Status) {
	st.Path, st.SHA256, st.PID, st.Version = w.Binary.Path, w.Binary.SHA256, w.PID, w.Info.GetVersion()
	st.Instances, st.StartedAt = w.configured(), &w.StartedAt
}

// KeptAway returns which plugins refuse which tenants' calls for a while, by tenant. It may
// be called on a nil manager.
func (m *Manager) KeptAway() map[string][]KeptAwayFrom {
	if m == nil {
		return nil
	}
	out := map[string][]KeptAwayFrom{}
	for _, st := range m.Status() {
		for _, k := range st.KeptAway {
			out[k.Tenant] = append(out[k.Tenant], KeptAwayFrom{Kind: st.Kind, Name: st.Name, Until: k.Until, Reason: k.Reason})
		}
	}
	return out
}

// KeptAwayFrom is a plugin that refuses a tenant's calls for a while.
type KeptAwayFrom struct {
	Kind   string    `json:"kind"`
	Name   string    `json:"name"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}
