package sdk

import (
	"context"
	"time"
)

// Checker is the interface of an instance, of any kind, that can find out whether it can do its work
// now: whether its key is accepted, its model is there, its database is reached. The host calls Check
// when an operator asks, and never in a turn.
//
// Check returns nil, or a [fault.Error] that says what is wrong. Its Path is the key of the plugin's
// block that must change, if there is one. Its message is for the operator. An instance that cannot
// find out returns fault.Unsupported. Check keeps nothing, makes no reply, and calls no host service:
// the host checks nested plugins itself. It returns soon after ctx ends. Check may be called
// concurrently, also during other calls.
type Checker interface {
	Check(ctx context.Context) error
}

// withCheckDeadline returns a context that ends a little before ctx, so that the plugin has time to
// send the host its own words for an upstream that does not answer.
func withCheckDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/10))
}
