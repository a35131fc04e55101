package main

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
	"github.com/botyard/botyard/bench/internal/yard"
)

// countingCallers are those of the loops that are compared.
const countingCallers = 8

// counting measures what it costs a turn that it is counted: a host with metrics and one
// without. What is looked for is smaller than what two runs differ by. So the rounds are
// short and made in pairs, one of each host, and each pair gives a ratio; and there are
// several such hosts, because two processes of one binary differ too.
func (b *bench) counting(ctx context.Context) error {
	out := &report.Counting{}
	for n := range b.scale.yards {
		ratios, costs, err := b.countedPairs(ctx, n%2 == 1)
		if err != nil {
			return err
		}
		out.Hosts = append(out.Hosts, medianOf(ratios, itself))
		out.Pairs = append(out.Pairs, ratios...)
		out.CPU = append(out.CPU, costs...)
		b.say("hosts %d of %d: %.3f", n+1, b.scale.yards, out.Hosts[n])
	}
	out.Ratio = medianOf(out.Pairs, itself)
	out.Low, out.High = medianWithin(out.Pairs)
	out.Turn = medianOf(out.CPU, itself)
	b.report.Counting = out
	return nil
}

// countedPairs starts two hosts and returns, for each pair of rounds, the CPU of a turn
// that is counted divided by that of one that is not, and the latter in microseconds. Only
// the host counts: what its plugins used is in the turn and not in the difference.
func (b *bench) countedPairs(ctx context.Context, uncountedFirst bool) (ratios, costs []float64, err error) {
	var subjects [2]*subject // counted, uncounted
	for i := range subjects {
		if uncountedFirst {
			i = 1 - i
		}
		_, s, err := b.startHost(yard.Settings{Tokens: 1, Uncounted: i == 1}, workTenants)
		if err != nil {
			return nil, nil, err
		}
		defer s.stop()
		subjects[i] = s
		if _, err := s.measure(ctx, load.Closed{Callers: countingCallers, Next: steady(false), For: b.scale.warm}); err != nil {
			return nil, nil, err
		}
	}
	loop := load.Closed{Callers: countingCallers, Next: steady(false), Turns: b.scale.pairTurns}
	for n := range b.scale.countedPairs {
		var cpu [2]map[string]float64
		for i := range subjects {
			if n%2 == 1 { // so that neither is always the second
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
		turn := report.Used(cpu[1])
		ratios = append(ratios, 1+(cpu[0][report.Host]-cpu[1][report.Host])/turn)
		costs = append(costs, turn)
	}
	return ratios, costs, nil
}

func itself(f float64) float64 { return f }

// medianWithin returns bounds that the median of what the values are a sample of is
// within, in 95 of 100 cases.
func medianWithin(values []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := float64(len(sorted))
	off := 1.96 * math.Sqrt(n) / 2
	return sorted[max(0, int(n/2-off))], sorted[min(len(sorted)-1, int(math.Ceil(n/2+off)))]
}
