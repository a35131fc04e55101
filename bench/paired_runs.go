package main

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// pairCallers is the number of callers in a round of a comparison.
const pairCallers = 8

// comparison compares the CPU that a turn costs on two hosts. Host 0 is judged, and host 1 is the
// reference.
type comparison struct {
	// start starts host 0 or host 1. compare calls it once for each pair of hosts.
	start func(host int) (*subject, error)
	// next returns the n-th turn of a caller.
	next func(caller, n int) load.Turn
	// ratio returns the ratio of a pair of rounds. The arguments are the CPU of a turn by process, in
	// microseconds, on host 0 and on host 1.
	ratio func(judged, other map[string]float64) float64
}

// compare runs a comparison. Two long runs may differ more than the two hosts do, so compare runs short
// rounds in pairs, one round on each host, and takes a ratio of each pair. Two processes of the same
// binary differ too, so compare starts scale.hostPairs pairs of hosts.
func (b *bench) compare(ctx context.Context, c comparison) (*report.Paired, error) {
	out := &report.Paired{}
	for n := range b.scale.hostPairs {
		order := [2]int{0, 1}
		if n%2 == 1 {
			order = [2]int{1, 0}
		}
		ratios, costs, err := b.compareHosts(ctx, c, order)
		if err != nil {
			return nil, err
		}
		out.Hosts = append(out.Hosts, medianOf(ratios, identity))
		out.Pairs = append(out.Pairs, ratios...)
		out.CPU = append(out.CPU, costs...)
		b.logf("hosts %d of %d: %.3f", n+1, b.scale.hostPairs, out.Hosts[n])
	}
	out.Ratio, out.Turn = medianOf(out.Pairs, identity), medianOf(out.CPU, identity)
	out.Low, out.High = medianBounds(out.Pairs)
	return out, nil
}

// compareHosts starts both hosts in the given order, runs pairs of rounds, and stops the hosts. It returns
// the ratio of each pair, and the CPU of a turn on host 1 in each pair, in microseconds.
func (b *bench) compareHosts(ctx context.Context, c comparison, order [2]int) (ratios, costs []float64, err error) {
	var subjects [2]*subject
	for _, i := range order {
		s, err := c.start(i)
		if err != nil {
			return nil, nil, err
		}
		defer s.stop()
		subjects[i] = s
		if _, err := s.measure(ctx, load.Closed{Callers: pairCallers, Next: c.next, For: b.scale.warm}); err != nil {
			return nil, nil, err
		}
	}
	loop := load.Closed{Callers: pairCallers, Next: c.next, Turns: b.scale.pairTurns}
	for n := range b.scale.roundPairs {
		var cpu [2]map[string]float64
		for i := range subjects {
			if n%2 == 1 { // every second pair begins with host 1
				i = 1 - i
			}
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			m, err := subjects[i].measure(ctx, loop)
			if err != nil {
				return nil, nil, err
			}
			cpu[i] = m.cpu
		}
		ratios = append(ratios, c.ratio(cpu[0], cpu[1]))
		costs = append(costs, report.Used(cpu[1]))
	}
	return ratios, costs, nil
}

func identity(f float64) float64 { return f }

// medianBounds returns the 95 % confidence interval of the median of the population from which values is a
// sample.
func medianBounds(values []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := float64(len(sorted))
	off := 1.96 * math.Sqrt(n) / 2
	return sorted[max(0, int(n/2-off))], sorted[min(len(sorted)-1, int(math.Ceil(n/2+off)))]
}
