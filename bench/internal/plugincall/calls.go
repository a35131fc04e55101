package plugincall

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// Calls compares calls through the manager with bare calls, while the given number of callers call
// concurrently. The times are medians of rounds, in microseconds of elapsed time for each call of a caller.
// Each pair of rounds has a ratio. Half of these ratios are between Low and High.
type Calls struct {
	What    string  `json:"what"` // unary, or streamed
	Callers int     `json:"callers"`
	Manager float64 `json:"manager_us"`
	Bare    float64 `json:"bare_us"`
	Ratio   float64 `json:"ratio"` // the median of the ratios
	Low     float64 `json:"low"`   // the lower quartile of the ratios
	High    float64 `json:"high"`  // the upper quartile
}

// call makes one call.
type call func(ctx context.Context) error

// unary returns a unary call: the embedding of a short text.
func unary(e llm.Embedder) call {
	return func(ctx context.Context) error {
		_, err := e.Embed(ctx, &llm.EmbedRequest{Call: sdk.Call{Tenant: "t"}, Texts: []string{"hello"}})
		return err
	}
}

// streamed returns a call whose reply is a stream.
func streamed(l llm.LLM) call {
	return func(ctx context.Context) error {
		_, err := l.Chat(ctx, &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "hello")}},
			func(llm.Delta) error { return nil })
		return err
	}
}

// compare runs pairs of rounds. In every second pair the bare calls come first.
func compare(ctx context.Context, what string, callers int, o Options, manager, bare call) (Calls, error) {
	out := Calls{What: what, Callers: callers}
	both := [2]call{manager, bare}
	var times [2][]float64
	var ratios []float64
	for n := range o.Pairs + 1 {
		var took [2]float64
		for i := range both {
			if n%2 == 1 {
				i = 1 - i
			}
			var err error
			if took[i], err = round(ctx, callers, o.Calls, both[i]); err != nil {
				return out, err
			}
		}
		if n == 0 {
			continue // the first pair warms both up
		}
		times[0], times[1] = append(times[0], took[0]), append(times[1], took[1])
		ratios = append(ratios, took[0]/took[1])
	}
	out.Manager, out.Bare, out.Ratio = median(times[0]), median(times[1]), median(ratios)
	out.Low, out.High = quantile(ratios, 0.25), quantile(ratios, 0.75)
	return out, nil
}

// round makes calls from the given number of goroutines, and returns the elapsed microseconds for each
// call of a goroutine.
func round(ctx context.Context, callers, calls int, c call) (float64, error) {
	each := max(calls/callers, 1)
	errs := make([]error, callers)
	var all sync.WaitGroup
	start := time.Now()
	for i := range callers {
		all.Go(func() {
			for range each {
				if errs[i] = c(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return micros(time.Since(start)) / float64(each), errors.Join(errs...)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the median of the values, which must not be empty.
func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile returns the q-quantile of the values, which must not be empty.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
