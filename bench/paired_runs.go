package main

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// pairCallers are those of the loops that are compared in pairs.
const pairCallers = 8

// inPairs compares the CPU of a turn of two hosts, which start makes: 0 is the one that is
// judged, 1 what it is compared with. What is looked for is smaller than what two runs differ
// by. So the rounds are short and made in pairs, one of each host, and each pair gives a
// ratio of the two in microseconds a turn by process; and there are several such hosts, because two
// processes of one binary differ too.
func (b *bench) inPairs(ctx context.Context, start func(i int) (*subject, error), next func(caller, n int) load.Turn, ratio func(judged, other map[string]float64) float64) (*report.Paired, error) {
	out := &report.Paired{}
	for n := range b.scale.yards {
		ratios, costs, err := b.pairsOf(ctx, n%2 == 1, start, next, ratio)
		if err != nil {
			return nil, err
		}
		out.Hosts = append(out.Hosts, medianOf(ratios, itself))
		out.Pairs = append(out.Pairs, ratios...)
		out.CPU = append(out.CPU, costs...)
		b.say("hosts %d of %d: %.3f", n+1, b.scale.yards, out.Hosts[n])
	}
	out.Ratio, out.Turn = medianOf(out.Pairs, itself), medianOf(out.CPU, itself)
	out.Low, out.High = medianWithin(out.Pairs)
	return out, nil
}

// pairsOf starts two hosts and returns the ratio of each pair of rounds, and what a turn of
// the second cost in microseconds.
func (b *bench) pairsOf(ctx context.Context, otherFirst bool, start func(i int) (*subject, error), next func(caller, n int) load.Turn, ratio func(judged, other map[string]float64) float64) (ratios, costs []float64, err error) {
	var subjects [2]*subject
	for i := range subjects {
		if otherFirst {
			i = 1 - i
		}
		s, err := start(i)
		if err != nil {
			return nil, nil, err
		}
		defer s.stop()
		subjects[i] = s
		if _, err := s.measure(ctx, load.Closed{Callers: pairCallers, Next: next, For: b.scale.warm}); err != nil {
			return nil, nil, err
		}
	}
	loop := load.Closed{Callers: pairCallers, Next: next, Turns: b.scale.pairTurns}
	for n := range b.scale.roundPairs {
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
		ratios = append(ratios, ratio(cpu[0], cpu[1]))
		costs = append(costs, report.Used(cpu[1]))
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
