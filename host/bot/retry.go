package bot

import (
	"context"
	mathrand "math/rand/v2"
	"time"
)

// How a turn repeats a Begin or a Commit while its caller waits. The time covers the
// restart of a storage plugin and a short loss of its database.
const (
	repeatFor = 15 * time.Second
	repeatMin = 50 * time.Millisecond // the first pause; each is twice the one before
	repeatMax = time.Second
)

// How an orphan turn's Begin or Commit is repeated in the background. Its conversation is
// busy until it has ended, so the pauses stay short.
const (
	orphanPauseMin = time.Second
	orphanPauseMax = 3 * time.Second
)

// retry calls f until it succeeds, fails with an error that retryable refuses, or has failed
// for repeatFor. It returns f's last error. It does not watch ctx, which is f's.
func retry(ctx context.Context, f func(context.Context) error, retryable func(error) bool) error {
	giveUp := time.Now().Add(repeatFor)
	for pause := repeatMin; ; pause = min(2*pause, repeatMax) {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if !retryable(err) || time.Now().Add(pause).After(giveUp) {
			return err
		}
		_ = sleep(ctx, jitter(pause/2, pause))
	}
}

// retryUntilDone pauses, and then calls f until it succeeds, fails with an error that
// retryable refuses, or ctx ends. It returns f's last error, or that of ctx.
func retryUntilDone(ctx context.Context, f func() error, retryable func(error) bool) error {
	for pause := orphanPauseMin; ; pause = min(2*pause, orphanPauseMax) {
		if err := sleep(ctx, jitter(pause/2, pause)); err != nil {
			return err
		}
		err := f()
		if err == nil || ctx.Err() != nil || !retryable(err) {
			return err
		}
	}
}

// jitter returns a random time between two.
func jitter(least, most time.Duration) time.Duration {
	return least + mathrand.N(most-least+1)
}

// sleep returns after d, or with ctx's error when ctx ends.
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
