package report

import (
	"fmt"
	"io"
)

// Registry describes a host just after its start, when its registry has the given number of tenants. Times
// are in seconds and are medians of several starts.
type Registry struct {
	Storage string  `json:"storage"`
	Tenants int     `json:"tenants"`
	Setup   float64 `json:"setup_seconds"`       // time to register the tenants, or to fill the registry up to them
	Ready   float64 `json:"ready_seconds"`       // time from the start of the process until it is ready
	Turns   int     `json:"turns"`               // number of tenants that had their first turn
	First   float64 `json:"first_turns_seconds"` // time until all these tenants had their first turn
	// PerSecond is the rate of registrations over HTTP. It is 0 if the registry was filled without HTTP.
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

// registryAims returns an aim for the first turns of the smaller registry, and an aim for the start of a
// host with the larger registry.
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
