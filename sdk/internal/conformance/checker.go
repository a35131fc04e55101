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
const CheckDoc = "Check succeeds in time while the instance works, fails with a classified error, changes nothing, and ends when its caller is gone."

// Checked says what CheckChecker expects of an instance.
type Checked struct {
	Prompt time.Duration // how long Check may take to return after its context has ended
	Works  bool          // the instance works, so that Check must succeed
}

// checkTime is the deadline that a host gives to Check.
const checkTime = 10 * time.Second

// checksAtOnce is how many calls of Check CheckChecker makes at the same time.
const checksAtOnce = 3

// CheckChecker checks the promises of a sdk.Checker, except that Check changes nothing: for that, the
// kit compares what the instance keeps before and afterwards. It returns [ErrSkip] if the instance is
// no Checker, or if Check returns fault.Unsupported because it cannot find out whether the instance
// works.
func CheckChecker(ctx context.Context, instance any, o Checked) error {
	c, ok := instance.(sdk.Checker)
	if !ok {
		return ErrSkip
	}
	done := make(chan error, checksAtOnce)
	for range checksAtOnce {
		go func() { done <- o.inTime(ctx, c) }()
	}
	all := make([]error, checksAtOnce)
	for i := range all {
		all[i] = <-done
	}
	for _, err := range all {
		if err != nil && !isSkip(err) {
			return err // it counts more than the ErrSkip of another call
		}
	}
	if err := errors.Join(all...); err != nil {
		return ErrSkip
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, returned := within(o.Prompt, func() error { return c.Check(gone) }); !returned {
		return fmt.Errorf("check whose caller is gone did not return within %s", o.Prompt)
	}
	return nil
}

// inTime calls Check with the deadline of a host, and returns what is wrong.
func (o Checked) inTime(ctx context.Context, c sdk.Checker) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err, returned := within(checkTime+o.Prompt, func() error { return c.Check(ctx) })
	var classified *fault.Error
	switch {
	case !returned:
		return fmt.Errorf("check did not return within %s after its deadline", o.Prompt)
	case err == nil:
		return nil
	case ctx.Err() == nil && !errors.As(err, &classified):
		return fmt.Errorf("the error of check is no fault.Error: %w", err)
	case fault.Is(err, fault.Unsupported):
		return ErrSkip
	case o.Works:
		return fmt.Errorf("check of an instance that works fails: %w", err)
	}
	return nil
}

// within calls f and waits for at most d. returned reports whether f has returned. If not, f goes on in
// its goroutine.
func within(d time.Duration, f func() error) (err error, returned bool) {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err = <-done:
		return err, true
	case <-timer.C:
		return nil, false
	}
}
