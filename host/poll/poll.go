package poll

import (
	"context"
	"time"
)

// Every calls do once in each interval, and whenever wake delivers a value, until ctx ends. The
// first call comes after the first interval or the first value. Calls never overlap: intervals that
// pass during a call are skipped. A nil wake never delivers a value.
//
// Every returns after ctx has ended and the last call of do has returned. It starts no goroutine.
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
