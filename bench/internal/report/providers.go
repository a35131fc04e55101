package report

import (
	"fmt"
	"io"

	"github.com/botyard/botyard/bench/internal/providercall"
)

// providers writes how much time the plugins of providers add to the calls of the official clients.
func (r *Report) providers(w io.Writer) {
	if len(r.Providers) == 0 {
		return
	}
	title(w, "Plugins of providers beside the providers' own clients, on a server that answers after fixed times; ms that the plugin adds (ms of the client)")
	row(w, "", "callers", "first token p50", "p95", "p99", "end p50", "p95", "p99", "CPU a call, us", "MiB")
	added := func(plugin, bare float64) string { return fmt.Sprintf("%s (%s)", number(plugin), number(bare)) }
	for _, p := range r.Providers {
		cells := []any{p.Provider, p.Callers}
		for _, l := range []providercall.Latency{p.First, p.End} {
			cells = append(cells, added(l.Added.P50, l.Bare.P50), added(l.Added.P95, l.Bare.P95), added(l.Added.P99, l.Bare.P99))
		}
		row(w, append(cells, p.CPU, float64(p.Memory.RSS)/1024)...)
	}
}

// providerAims returns the aims of the part providers.
func (r *Report) providerAims() []aim {
	var list []aim
	for _, p := range r.Providers {
		if p.Callers == 1 {
			list = append(list,
				aim{"first token of " + p.Provider + ", ms more than its client", p.First.Added.P50, 0.6, false},
				aim{"end of a reply of " + p.Provider + ", ms more", p.End.Added.P50, 0.6, false})
		}
	}
	return list
}
