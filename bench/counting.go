package main

import (
	"context"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/report"
)

// counting measures what it costs a turn that it is counted: a host with metrics and one
// without. Only the host counts: what its plugins used is in the turn and not in the
// difference.
func (b *bench) counting(ctx context.Context) error {
	out, err := b.inPairs(ctx, func(i int) (*subject, error) {
		_, s, err := b.startHost(hostproc.Settings{Tokens: 1, NoMetrics: i == 1}, workTenants)
		return s, err
	}, steady(false), func(counted, uncounted map[string]float64) float64 {
		return 1 + (counted[report.Host]-uncounted[report.Host])/report.Used(uncounted)
	})
	b.report.Counting = out
	return err
}
