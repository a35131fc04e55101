package report

import (
	"fmt"
	"io"
)

// plugin writes what the plugin manager costs.
func (r *Report) plugin(w io.Writer) {
	if r.Plugin == nil {
		return
	}
	p := r.Plugin
	title(w, "Calls through the plugin manager beside bare gRPC calls; us for each call of a caller, pairs of short rounds")
	row(w, "", "callers", "manager", "bare", "ratio", "half of the pairs")
	for _, c := range p.Calls {
		row(w, c.What, c.Callers, c.Manager, c.Bare, ratio(c.Ratio), fmt.Sprintf("%.2f to %.2f", c.Low, c.High))
	}
	fmt.Fprintf(w, "from start to configured: %s ms; from kill -9 to the next good call: p50 %s ms, the longest %s ms\n",
		number(p.Ready), number(p.KillP50), number(p.KillMax))
	fmt.Fprintf(w, "the plugin's process: %.1f MiB (%.1f)\n", float64(p.Memory.RSS)/1024, float64(p.Memory.PSS)/1024)
	fmt.Fprintf(w, "%d replacements under load: %d of %d calls failed; p99 %s ms, the longest %s ms\n",
		p.Replacement.Times, p.Replacement.Failed, p.Replacement.Calls, number(p.Replacement.P99), number(p.Replacement.Max))
}

// pluginAims returns the aims of the part plugin.
func (r *Report) pluginAims() []aim {
	if r.Plugin == nil {
		return nil
	}
	var list []aim
	for _, c := range r.Plugin.Calls {
		list = append(list, aim{fmt.Sprintf("a %s call at %d callers, times a bare one", c.What, c.Callers), c.Ratio, 1.2, false})
	}
	return append(list,
		aim{"kill -9 to the next good call, the longest in ms", r.Plugin.KillMax, 500, false},
		aim{"calls that a replacement fails", float64(r.Plugin.Replacement.Failed), 0, false},
		aim{"the longest call during replacements, ms", r.Plugin.Replacement.Max, 50, false})
}
