package archive

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/cenkalti/backoff/v5"
)

// Pauses between two tries of a call: each is twice as long as the one before.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// retry makes a call to a storage or a memory, and repeats it while it fails with a
// transient error, until timing.retryFor is over or ctx has ended. It returns the error of
// the last try. The call must be one that can be repeated.
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

// transient reports whether the same call may succeed a moment later.
func transient(err error) bool {
	f := fault.Of(err)
	switch f.Class {
	case fault.RateLimited, fault.PluginUnavailable, fault.ProviderFailed, fault.Deadline:
		return f.Retryable
	}
	return false
}

// sleep waits for d. It returns early, with the cause, when ctx ends.
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
