package echo

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
)

// Check implements sdk.Checker. It fails if the next call of Chat would fail, and hangs if calls hang
// before their first token. It is no call that fail.times counts.
func (e *Echo) Check(ctx context.Context) error {
	if e.hangAfter == 0 {
		<-ctx.Done()
		return fault.Of(ctx.Err())
	}
	if f := e.config.Fail; f != nil && (f.Times == 0 || e.calls.Load() < int64(f.Times)) {
		return f.fault()
	}
	return nil
}
