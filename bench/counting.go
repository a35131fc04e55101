package main

import (
	"context"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/report"
)

// counting measures how much more CPU a turn costs on a host with metrics than on a host without metrics.
// Each ratio is 1 + (h1-h0)/t0. In this formula h1 and h0 are the CPU of the host process with and without
// metrics, and t0 is the CPU of a whole turn without metrics, plugins included.
func (b *bench) counting(ctx context.Context) error {
	out, err := b.compare(ctx, comparison{
		start: func(host int) (*subject, error) {
			_, s, err := b.startHost(hostproc.Settings{Tokens: 1, NoMetrics: host == 1}, workTenants)
			return s, err
		},
		next: steady(load.Turn{}),
		ratio: func(counted, uncounted map[string]float64) float64 {
			return 1 + (counted[report.Host]-uncounted[report.Host])/report.Used(uncounted)
		},
	})
	b.report.Counting = out
	return err
}
