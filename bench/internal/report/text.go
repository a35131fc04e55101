package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Text writes the report to out as tables.
func (r *Report) Text(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	m := r.Machine
	fmt.Fprintf(out, "%s, %d cores (the load generator's too), %s, %s; %.0f s", m.CPU, m.Cores, m.Kernel, m.Go, r.Seconds)
	if r.Quick {
		fmt.Fprint(out, "; --quick: the figures are rough")
	}
	fmt.Fprintln(out)
	if r.Missing != "" {
		fmt.Fprintln(out, "left out for want of a database:", r.Missing)
	}
	for _, part := range []func(io.Writer){
		r.turns, r.open, r.echo, r.plugin, r.providers, r.library, r.memory, r.sweeps, r.bots, r.storages, r.registry, r.depth, r.pairs, r.profiles, r.aims,
	} {
		part(w)
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func title(w io.Writer, format string, args ...any) { fmt.Fprintf(w, "\n"+format+"\n", args...) }

func row(w io.Writer, cells ...any) {
	for _, c := range cells {
		switch c := c.(type) {
		case float64:
			fmt.Fprintf(w, "%s\t", number(c))
		default:
			fmt.Fprintf(w, "%v\t", c)
		}
	}
	fmt.Fprintln(w)
}

// number formats f with no decimals from 100 on, one decimal from 10 on, and two decimals below.
func number(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func (r *Report) turns(w io.Writer) {
	if len(r.Turns) == 0 {
		return
	}
	title(w, "Turns over HTTP, closed loop; CPU in us per turn")
	row(w, "", "tokens", "callers", "turns/s", "CPU", "of it", "load")
	for _, t := range r.Turns {
		row(w, t.What, t.Tokens, t.Callers, t.PerSecond, Used(t.CPU), split(t.CPU), t.CPU[Load])
	}
}

func (r *Report) pairs(w io.Writer) {
	paired(w, r.Counting, "CPU of a turn with metrics, times one without")
	paired(w, r.Builds, "CPU of a turn of this build, times one of the other")
}

func paired(w io.Writer, p *Paired, what string) {
	if p == nil {
		return
	}
	title(w, what+"; pairs of short rounds")
	row(w, "pairs", "median", "95 % of runs", "hosts", "us of the other turn")
	row(w, len(p.Pairs), ratio(p.Ratio), ratio(p.Low)+" to "+ratio(p.High), ratio(slices.Min(p.Hosts))+" to "+ratio(slices.Max(p.Hosts)), p.Turn)
}

func ratio(f float64) string { return fmt.Sprintf("%.4f", f) }

func split(cpu map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(cpu)) {
		if name != Load && cpu[name] >= 0.5 {
			parts = append(parts, fmt.Sprintf("%s %.0f", name, cpu[name]))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Report) open(w io.Writer) {
	if len(r.Open) == 0 {
		return
	}
	title(w, "Streams of 64 tokens, open loop (Poisson); us since a turn was to be sent")
	row(w, "", "turns/s", "turns", "first p50", "p95", "p99", "whole p50", "p95", "p99", "generator p50", "p99")
	for _, o := range r.Open {
		row(w, o.What, o.PerSecond, o.Turns, o.First.P50, o.First.P95, o.First.P99,
			o.Whole.P50, o.Whole.P95, o.Whole.P99, o.Late.P50, o.Late.P99)
	}
}

func (r *Report) echo(w io.Writer) {
	if len(r.Echo) == 0 {
		return
	}
	title(w, "A bare go-plugin call of 1 KiB; us")
	row(w, "callers", "calls/s", "per call", "CPU of both")
	for _, e := range r.Echo {
		row(w, e.Callers, e.PerSecond, e.Micros, e.CPU)
	}
}

func (r *Report) library(w io.Writer) {
	if r.Library == nil {
		return
	}
	title(w, "Turns of the library, without HTTP; CPU in us per turn, callers included")
	row(w, "tokens", "callers", "turns/s", "CPU", "of it")
	for _, t := range r.Library.Turns {
		row(w, t.Tokens, t.Callers, t.PerSecond, Used(t.CPU), split(t.CPU))
	}
}

func (r *Report) memory(w io.Writer) {
	if len(r.Memory) == 0 {
		return
	}
	title(w, "Memory, MiB resident (PSS in parentheses)")
	names := map[string]bool{}
	for _, m := range r.Memory {
		for name := range m.Processes {
			names[name] = true
		}
	}
	header := []any{""}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		header = append(header, name)
	}
	row(w, header...)
	for _, m := range r.Memory {
		cells := []any{m.When}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			p, ok := m.Processes[name]
			if !ok {
				cells = append(cells, "-")
				continue
			}
			cells = append(cells, fmt.Sprintf("%.1f (%.1f)", float64(p.RSS)/1024, float64(p.PSS)/1024))
		}
		row(w, cells...)
	}
}

func (r *Report) sweeps(w io.Writer) {
	sweep(w, "Messages in the conversation", r.Messages)
	sweep(w, "Registered tenants, ten of them at work", r.Tenants)
}

func sweep(w io.Writer, name string, points []Point) {
	if len(points) == 0 {
		return
	}
	title(w, "%s: one-token turns at eight callers", name)
	row(w, "", "turns/s", "CPU us/turn", "of the first", "setup s")
	for _, p := range points {
		row(w, p.N, p.PerSecond, p.CPU, p.CPU/points[0].CPU, p.Setup)
	}
}

func (r *Report) bots(w io.Writer) {
	if r.Library == nil || len(r.Library.Bots) == 0 {
		return
	}
	l := r.Library
	title(w, "Bots")
	row(w, "cached", "look-up ns", "us/turn")
	for _, b := range l.Bots {
		row(w, b.Cached, b.LookupNS, b.TurnUS)
	}
	fmt.Fprintf(w, "built, when its instances exist: p50 %s us, p99 %s us\n", number(l.Build.P50), number(l.Build.P99))
	fmt.Fprintf(w, "a cached bot: %.2f KB; a registered tenant that is not cached: %.2f KB\n", l.BotBytes/1000, l.TenantBytes/1000)
}

func (r *Report) profiles(w io.Writer) {
	if len(r.Profiles) == 0 {
		return
	}
	title(w, "Allocations per turn while profiled")
	row(w, "", "turns", "allocs", "bytes", "GCs")
	for _, p := range r.Profiles {
		row(w, p.Process, p.Turns, p.Allocs, p.Bytes, p.GCs)
	}
}
