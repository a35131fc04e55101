package main

import (
	"context"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/report"
)

// counting compares a turn of a host that counts metrics with one of a host that does not. The ratio
// is 1 plus the difference of the host processes as a part of a whole turn without metrics. Plugins are
// in the whole turn, but not in the difference.
func (b *bench) counting(ctx context.Context) error {
	out, err := b.compare(ctx, comparison{
		start: func(host int) (*subject, error) {
			_, s, err := b.startHost(hostproc.Settings{Tokens: 1, NoMetrics: host == 1}, workTenants)
			return s, err
		},
		next: steady(false),
		ratio: func(counted, uncounted map[string]float64) float64 {
			return 1 + (counted[report.Host]-uncounted[report.Host])/report.Used(uncounted)
		},
	})
	b.report.Counting = out
	return err
}
