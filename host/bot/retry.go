package bot

import (
	"context"
	mathrand "math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// repeatFor is how long a turn repeats a failed Begin or Commit while its caller waits.
// repeatMin and repeatMax bound the pauses between the calls. repeatFor is long enough for the
// restart of a storage plugin and for a short loss of its database.
const (
	repeatFor = 15 * time.Second
	repeatMin = 50 * time.Millisecond
	repeatMax = time.Second
)

// orphanPauseMin and orphanPauseMax bound the pauses between the Begins or Commits of an orphan
// turn in the background. The pauses are short, because the orphan keeps its conversation busy.
const (
	orphanPauseMin = time.Second
	orphanPauseMax = 3 * time.Second
)

// retry calls f until f succeeds, fails with an error that is not retryable, or has failed for
// repeatFor. It returns f's last error. retry passes ctx to f. ctx must be a context that does
// not end.
func retry(ctx context.Context, f func(context.Context) error, retryable func(error) bool) error {
	start := time.Now()
	err := f(ctx)
	if err == nil || !retryable(err) {
		return err
	}
	first := true
	_, err = backoff.Retry(ctx, func() (none struct{}, _ error) {
		if !first {
			err = f(ctx)
		}
		first = false
		return none, permanentUnless(retryable, err)
	}, backoff.WithBackOff(pauses(repeatMin, repeatMax)), backoff.WithMaxElapsedTime(max(1, repeatFor-time.Since(start))))
	return err
}

// retryUntilDone pauses, and then calls f until f succeeds, f fails with an error that is not
// retryable, or ctx ends. It returns f's last error, or the reason why ctx ended.
func retryUntilDone(ctx context.Context, f func() error, retryable func(error) bool) error {
	if err := sleep(ctx, jitter(orphanPauseMin/2, orphanPauseMin)); err != nil {
		return err
	}
	_, err := backoff.Retry(ctx, func() (none struct{}, _ error) {
		return none, permanentUnless(retryable, f())
	}, backoff.WithBackOff(pauses(orphanPauseMin, orphanPauseMax)), backoff.WithMaxElapsedTime(0))
	return err
}

// permanentUnless returns err unchanged if err is nil or retryable. Otherwise it marks err so
// that package backoff does not try again.
func permanentUnless(retryable func(error) bool, err error) error {
	if err != nil && !retryable(err) {
		return backoff.Permanent(err)
	}
	return err
}

// pauses returns a backoff whose pauses double from least to most. Each pause is shortened at
// random, by up to a half.
func pauses(least, most time.Duration) backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: least * 3 / 4, MaxInterval: most * 3 / 4, Multiplier: 2, RandomizationFactor: 1. / 3,
	}
}

// jitter returns a random duration from least to most.
func jitter(least, most time.Duration) time.Duration {
	return least + mathrand.N(most-least+1)
}

// sleep waits for d and returns nil. If ctx ends earlier, sleep returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
