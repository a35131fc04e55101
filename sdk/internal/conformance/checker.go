package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// CheckDoc is the promise that CheckChecker checks.
const CheckDoc = "Check fails with a classified error, and ends when its caller is gone."

// CheckChecker checks the promise of a sdk.Checker. It returns [ErrSkip] if the instance is none. prompt
// is how long Check may take to return after it was canceled.
func CheckChecker(ctx context.Context, instance any, prompt time.Duration) error {
	c, ok := instance.(sdk.Checker)
	if !ok {
		return ErrSkip
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, ctx := range []context.Context{ctx, gone} {
		done := make(chan error, 1)
		go func() { done <- c.Check(ctx) }()
		var late <-chan time.Time
		if ctx.Err() != nil {
			late = time.After(prompt)
		}
		var err error
		select {
		case err = <-done:
		case <-late:
			return fmt.Errorf("check whose caller is gone did not return within %s", prompt)
		}
		var classified *fault.Error
		if err != nil && ctx.Err() == nil && !errors.As(err, &classified) {
			return fmt.Errorf("the error of check is no fault.Error: %w", err)
		}
	}
	return nil
}
