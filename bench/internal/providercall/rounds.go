package providercall

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Quantiles are quantiles of the times of many calls, in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

// quantiles returns the quantiles of the values, of which there is at least one. It sorts them in
// place.
func quantiles(values []float64) Quantiles {
	slices.Sort(values)
	at := func(q float64) float64 { return values[min(int(q*float64(len(values))), len(values)-1)] }
	return Quantiles{P50: at(0.5), P95: at(0.95), P99: at(0.99)}
}

func (q Quantiles) minus(o Quantiles) Quantiles {
	return Quantiles{P50: q.P50 - o.P50, P95: q.P95 - o.P95, P99: q.P99 - o.P99}
}

// Latency compares a time of calls through the plugin with that of calls by the official client.
type Latency struct {
	Plugin Quantiles `json:"plugin"`
	Bare   Quantiles `json:"bare"`  // of the official client
	Added  Quantiles `json:"added"` // Plugin minus Bare
}

// times are the times of calls in milliseconds, until the first token and until the end of the reply.
type times struct{ first, end []float64 }

func (t *times) add(o times) {
	t.first, t.end = append(t.first, o.first...), append(t.end, o.end...)
}

// pairs runs pairs of rounds, and compares the times of both calls. A pair is a round of plugin and a
// round of bare. In every second pair, bare comes first. The first pair does not count. used is the CPU
// time that the rounds of plugin took; cpu returns the CPU time of the plugin's process so far.
func pairs(ctx context.Context, callers int, o Options, plugin, bare call, cpu func() (time.Duration, error)) (first, end Latency, used time.Duration, err error) {
	both := [2]call{plugin, bare}
	var all [2]times
	for n := range o.Pairs + 1 {
		for i := range both {
			if n%2 == 1 {
				i = 1 - i
			}
			before, err := cpu()
			if err != nil {
				return first, end, 0, err
			}
			t, err := round(ctx, callers, o.Calls, both[i])
			if err != nil {
				return first, end, 0, err
			}
			after, err := cpu()
			if err != nil {
				return first, end, 0, err
			}
			if n == 0 {
				continue // the first pair warms both up
			}
			all[i].add(t)
			if i == 0 {
				used += after - before
			}
		}
	}
	compare := func(plugin, bare []float64) Latency {
		l := Latency{Plugin: quantiles(plugin), Bare: quantiles(bare)}
		l.Added = l.Plugin.minus(l.Bare)
		return l
	}
	return compare(all[0].first, all[1].first), compare(all[0].end, all[1].end), used, nil
}

// round makes calls from concurrent goroutines, and returns their times. callers is the number of
// goroutines, and calls the number of calls of each.
func round(ctx context.Context, callers, calls int, c call) (times, error) {
	results := make([]times, callers)
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range calls {
				t, err := c(ctx)
				if err != nil {
					errs[i] = err
					return
				}
				results[i].first = append(results[i].first, millis(t.first))
				results[i].end = append(results[i].end, millis(t.end))
			}
		})
	}
	all.Wait()
	var out times
	for _, t := range results {
		out.add(t)
	}
	return out, errors.Join(errs...)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
