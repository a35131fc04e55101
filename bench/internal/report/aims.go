package report

import (
	"fmt"
	"io"
)

// aim compares a measured figure with the figure that the project wants to reach.
type aim struct {
	what      string
	got, want float64
	atLeast   bool // got must be at least want; if false, at most want
}

func (a aim) holds() bool {
	if a.atLeast {
		return a.got >= a.want
	}
	return a.got <= a.want
}

func (r *Report) aims(w io.Writer) {
	list := r.listAims()
	if len(list) == 0 {
		return
	}
	title(w, "Aims")
	row(w, "", "got", "wanted", "")
	for _, a := range list {
		bound, verdict := "<=", "missed"
		if a.atLeast {
			bound = ">="
		}
		if a.holds() {
			verdict = "held"
		}
		row(w, a.what, a.got, fmt.Sprintf("%s %s", bound, number(a.want)), verdict)
	}
}

func (r *Report) listAims() []aim {
	var list []aim
	if t := r.turnsOf(Host, 64, 64); t != nil {
		list = append(list, aim{"streams of 64 tokens/s at 64 callers", t.PerSecond, 2500, true})
	}
	if t := r.turnsOf(Host, 1, 64); t != nil {
		list = append(list, aim{"one-token turns/s at 64 callers", t.PerSecond, 4000, true})
	}
	for _, floor := range []string{Floor, FloorJoined} {
		if t, f := r.turnsOf(Host, 64, 64), r.turnsOf(floor, 64, 64); t != nil && f != nil {
			list = append(list, aim{"CPU of a streamed turn, times the " + floor, Used(t.CPU) / Used(f.CPU), 1.25, false})
		}
	}
	for _, o := range r.Open {
		if o.What == Host {
			list = append(list,
				aim{"first token p50, ms", float64(o.First.P50) / 1000, 1.5, false},
				aim{"first token p99, ms", float64(o.First.P99) / 1000, 5, false})
		}
	}
	list = append(list, r.pluginAims()...)
	list = append(list, r.providerAims()...)
	list = append(list, flat("messages", r.Messages)...)
	list = append(list, flat("tenants", r.Tenants)...)
	if l := r.Library; l != nil && len(l.Bots) > 0 {
		last := l.Bots[len(l.Bots)-1]
		list = append(list,
			aim{fmt.Sprintf("look-up of one of %d cached bots, ns", last.Cached), last.LookupNS, 1000, false},
			aim{"building a bot, p50 us", l.Build.P50, 1000, false},
			aim{"a cached bot, KB", l.BotBytes / 1000, 20, false},
			aim{"a registered tenant, KB", l.TenantBytes / 1000, 2, false})
	}
	if c := r.Counting; c != nil {
		list = append(list, aim{"CPU of a counted turn, times one without metrics", c.Ratio, 1.02, false})
	}
	if p := r.Builds; p != nil {
		list = append(list, aim{"CPU of a turn, times one of the other build", p.Ratio, 1.02, false})
	}
	list = append(list, r.storageAims()...)
	list = append(list, r.registryAims()...)
	return append(list, r.depthAims()...)
}

// flat returns the aim that a turn at the last point of a sweep costs at most 1.25 times the CPU of a turn
// at the first point.
func flat(name string, points []Point) []aim {
	n := len(points)
	if n < 2 {
		return nil
	}
	what := fmt.Sprintf("CPU of a turn at %d %s, times that at %d", points[n-1].N, name, points[0].N)
	return []aim{{what, points[n-1].CPU / points[0].CPU, 1.25, false}}
}

func (r *Report) turnsOf(what string, tokens, callers int) *Turns {
	return find(r.Turns, what, tokens, callers)
}

func find(all []Turns, what string, tokens, callers int) *Turns {
	for i, t := range all {
		if t.What == what && t.Tokens == tokens && t.Callers == callers {
			return &all[i]
		}
	}
	return nil
}
