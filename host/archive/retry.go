package archive

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/cenkalti/backoff/v5"
)

// shortestPause is the pause after the first failed try of a call. Each pause is twice as long
// as the pause before, up to longestPause.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// retry makes a call to a storage or a memory. It repeats the call after a transient error,
// until timing.retryFor has passed or ctx ends. It returns the error of the last try. The call
// must be safe to repeat.
func (a *Archive) retry(ctx context.Context, call func() error) (err error) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: shortestPause, MaxInterval: longestPause, Multiplier: 2}
	try := func() (none struct{}, _ error) {
		if err = call(); err != nil && !transient(err) {
			return none, backoff.Permanent(err)
		}
		return none, err
	}
	_, _ = backoff.Retry(ctx, try, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(a.o.timing.retryFor))
	return err
}

// transient reports whether the call that returned err may succeed a moment later.
func transient(err error) bool {
	f := fault.Of(err)
	switch f.Class {
	case fault.RateLimited, fault.PluginUnavailable, fault.ProviderFailed, fault.Deadline:
		return f.Retryable
	}
	return false
}

// sleep waits for the duration d. If ctx ends earlier, sleep returns the cause of its end at
// once.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
}
