package plugins

import (
	"cmp"
	"slices"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/feature"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// State is the state of a plugin's process.
type State string

const (
	Available   State = "available"   // found, and not needed yet
	Starting    State = "starting"    // started, and not ready yet
	Ready       State = "ready"       // takes calls
	Backoff     State = "backoff"     // failed; started again soon
	Quarantined State = "quarantined" // failed repeatedly; started again once a minute
	Draining    State = "draining"    // takes no new calls
	Stopped     State = "stopped"     // stopped by the host
	Failed      State = "failed"      // cannot be used; LastError says why
)

// Status describes a process of a plugin, or a plugin that has no process.
type Status struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Version   string `json:"version,omitempty"`
	Path      string `json:"path"`
	SHA256    string `json:"sha256,omitempty"`
	Scope     string `json:"scope,omitempty"` // the tenant, if the plugin is isolated by tenant
	PID       int    `json:"pid,omitempty"`
	State     State  `json:"state"`
	Restarts  int    `json:"restarts"`
	Instances int    `json:"instances"`
	Calls     int    `json:"calls"`   // running or waiting calls
	Waiting   int    `json:"waiting"` // calls that wait for a slot
	// OpenCircuits is the number of open circuits of all instances. Each open circuit
	// refuses calls of all tenants or of one tenant, because the upstream failed too often.
	OpenCircuits int    `json:"open_circuits"`
	LastError    string `json:"last_error,omitempty"`
	// KeptAway lists the tenants whose calls are refused. Cells lists the processes for
	// tenants that are suspects of a crash.
	KeptAway  []KeptAway `json:"kept_away,omitempty"`
	Cells     []Cell     `json:"cells,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	// Services and Features are what the plugin listed when its newest process started. The
	// host uses all of them but those that UnknownServices and UnknownFeatures repeat, which
	// come from a newer protocol.
	Services        []string `json:"services,omitempty"`
	Features        []string `json:"features,omitempty"`
	UnknownServices []string `json:"unknown_services,omitempty"`
	UnknownFeatures []string `json:"unknown_features,omitempty"`
}

// Status returns a Status for each plugin and each process, sorted by kind, name, tenant
// and process id.
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
			continue // a supervisor has added a Status for the plugin already
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

// status returns the Status of the supervisor, and one for each draining process.
func (s *supervisor) status() []Status {
	waiting := s.queue.Waiting()
	away, cells := s.attribution.status()
	s.mu.Lock()
	defer s.mu.Unlock()
	own := Status{
		Kind: s.ref.Kind, Name: s.ref.Name, Path: s.bin.Path, SHA256: s.bin.SHA256, Scope: s.scope,
		State: s.state, Restarts: s.restarts, Calls: s.calls, Waiting: waiting, LastError: s.lastErr,
	}
	own.setInfo(s.info)
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

// describe sets the fields of st that describe the process.
func (w *worker) describe(st *Status) {
	st.Path, st.SHA256, st.PID = w.Binary.Path, w.Binary.SHA256, w.PID
	st.setInfo(w.Info)
	st.Instances, st.StartedAt = w.configured(), &w.StartedAt
}

// setInfo sets the fields of st that the plugin's answer to GetInfo describes. info may be nil.
func (st *Status) setInfo(info *pluginv1.GetInfoResponse) {
	st.Version, st.Services, st.Features = info.GetVersion(), info.GetServices(), info.GetFeatures()
	st.UnknownServices, st.UnknownFeatures = nil, nil
	for _, name := range st.Services {
		if !slices.Contains(feature.Services(), name) && name != healthv1.Health_ServiceDesc.ServiceName {
			st.UnknownServices = append(st.UnknownServices, name)
		}
	}
	for _, name := range st.Features {
		if !feature.IsKnown(name) {
			st.UnknownFeatures = append(st.UnknownFeatures, name)
		}
	}
}

// KeptAway returns, for each tenant, the plugins that refuse its calls. It may be called on
// a nil Manager.
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

// KeptAwayFrom describes a plugin that refuses a tenant's calls until a given time.
type KeptAwayFrom struct {
	Kind   string    `json:"kind"`
	Name   string    `json:"name"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}
