package report

import (
	"fmt"
	"io"
)

// Registry is a host that was just started, with so many tenants in its registry: the
// median of the starts. Times are in seconds.
type Registry struct {
	Storage string  `json:"storage"`
	Tenants int     `json:"tenants"`
	Setup   float64 `json:"setup_seconds"`       // registering them, or filling up to there
	Ready   float64 `json:"ready_seconds"`       // since the process was started
	Turns   int     `json:"turns"`               // the first ones of so many tenants
	First   float64 `json:"first_turns_seconds"` // until all had them
	// PerSecond is the rate of registrations over HTTP; 0 where it was filled otherwise.
	PerSecond float64 `json:"registered_per_second,omitempty"`
}

func (r *Report) registry(w io.Writer) {
	if len(r.Registry) == 0 {
		return
	}
	title(w, "Tenants in the registry of a host that was just started; s")
	row(w, "", "tenants", "ready", "first turns", "of tenants", "setup", "registered/s")
	for _, g := range r.Registry {
		rate := "-"
		if g.PerSecond > 0 {
			rate = number(g.PerSecond)
		}
		row(w, g.Storage, g.Tenants, g.Ready, g.First, g.Turns, g.Setup, rate)
	}
}

// registryAims ask the smaller registry for its first turns and the larger for its
// start.
func (r *Report) registryAims() []aim {
	var list []aim
	for _, g := range r.Registry {
		if g.Turns == g.Tenants {
			list = append(list, aim{fmt.Sprintf("%d tenants in %s have all had their first turn, s", g.Tenants, g.Storage), g.First, 5, false})
		} else {
			list = append(list, aim{fmt.Sprintf("ready with %d tenants in %s, s", g.Tenants, g.Storage), g.Ready, 3, false})
		}
	}
	return list
}
