package poll

import (
	"context"
	"time"
)

// Every calls do once in each interval, and whenever wake gives a value, until ctx ends.
// The first call comes after the first interval or the first value. Calls never overlap:
// intervals that pass while do is at work are skipped. A nil wake gives no value.
//
// Every returns when ctx has ended and the last call has returned. It starts no goroutine.
func Every(ctx context.Context, interval time.Duration, wake <-chan struct{}, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-wake:
		}
		if ctx.Err() != nil {
			return
		}
		do()
	}
}
