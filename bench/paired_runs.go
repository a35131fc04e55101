package main

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// pairCallers is how many callers the rounds of a comparison have.
const pairCallers = 8

// comparison compares the CPU of a turn of two hosts: host 0 is judged, host 1 is what it is compared
// with.
type comparison struct {
	// start starts host 0 or 1. It may be called several times.
	start func(host int) (*subject, error)
	// next returns a caller's n-th turn.
	next func(caller, n int) load.Turn
	// ratio compares one pair of rounds, by the microseconds a turn of each process.
	ratio func(judged, other map[string]float64) float64
}

// compare runs a comparison. The difference between two hosts may be smaller than that between two
// runs. So rounds are short and come in pairs, one of each host, and each pair gives one ratio. Two
// processes of the same binary differ too, so there are scale.hostPairs pairs of hosts.
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

// compareHosts starts both hosts in the given order and stops them at the end. It returns the ratio of
// each pair of rounds, and the microseconds of CPU that a turn of host 1 used in each.
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
			if n%2 == 1 { // the hosts take turns to be first
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

// medianBounds returns the 95 % confidence interval of the median of the population that values are a
// sample of.
func medianBounds(values []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := float64(len(sorted))
	off := 1.96 * math.Sqrt(n) / 2
	return sorted[max(0, int(n/2-off))], sorted[min(len(sorted)-1, int(math.Ceil(n/2+off)))]
}
