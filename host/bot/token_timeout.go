package bot

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// queueing is a model whose calls may wait in a queue of the host before the host sends them.
type queueing interface {
	// ChatFrom does what the Chat of an llm.LLM does. It also calls begun once, when the call
	// leaves the queue, from the goroutine that called ChatFrom.
	ChatFrom(ctx context.Context, req *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error)
}

// tokenTimeout is the watchdog of one call of the model. It cancels the call's context if the
// provider is silent for too long. It limits three waits, one after another:
//
//	in the queue             at most Limits.FirstTokenTimeout, until leftQueue is called
//	for the first piece      at most Limits.FirstTokenTimeout, until received is called
//	for each piece after it  at most Limits.TokenTimeout, from awaitNext to received
//
// No time limit runs while the caller reads a piece, between received and awaitNext, because a
// slow reader is not a silent provider. One goroutine calls all methods, except that the timer calls
// cause in a goroutine of its own.
type tokenTimeout struct {
	limits config.Limits
	cancel context.CancelCauseFunc
	timer  *time.Timer  // cancels the context if the current wait is too long; nil before the first wait with a limit
	wait   atomic.Int32 // the current wait, which the timer's function reads
}

// The waits of a call.
const (
	inQueue int32 = iota
	forFirstPiece
	forNextPiece
)

// newTokenTimeout returns a context for the call of the model, and the call's watchdog. The
// watchdog starts to limit the wait in the queue. If a wait takes too long, the watchdog
// cancels the context with a *tokenTimeoutError as its cause. The caller calls stop after the
// call.
func newTokenTimeout(ctx context.Context, l config.Limits) (context.Context, *tokenTimeout) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &tokenTimeout{limits: l, cancel: cancel}
	w.begin(inQueue)
	return ctx, w
}

// begin begins a wait. The timer is new or stopped.
func (w *tokenTimeout) begin(wait int32) {
	w.wait.Store(wait)
	switch d := w.limit(wait); {
	case d <= 0:
	case w.timer == nil:
		w.timer = time.AfterFunc(d, func() { w.cancel(w.cause()) })
	default:
		w.timer.Reset(d)
	}
}

// limit returns how long a wait may be. 0 means no limit.
func (w *tokenTimeout) limit(wait int32) time.Duration {
	if wait == forNextPiece {
		return w.limits.TokenTimeout
	}
	return w.limits.FirstTokenTimeout
}

// cause returns the error of a call whose current wait took too long.
func (w *tokenTimeout) cause() *tokenTimeoutError {
	wait := w.wait.Load()
	d := w.limit(wait)
	switch wait {
	case inQueue:
		return &tokenTimeoutError{fault: fault.New(fault.Deadline,
			"the call waited %s in the queue of the llm plugin: calls before it have all that the plugin or its upstream takes at once", d).By(fault.PartyHost)}
	case forFirstPiece:
		return &tokenTimeoutError{fault.New(fault.Deadline, "the provider did not begin to reply within %s", d), !w.limits.TenantSetTokenTimeout}
	}
	return &tokenTimeoutError{fault.New(fault.Deadline, "the provider stopped in the middle of its reply for %s", d), !w.limits.TenantSetTokenTimeout}
}

// leftQueue starts the wait for the first piece. It is called when the host sends the call to
// the provider.
func (w *tokenTimeout) leftQueue() {
	w.received()
	w.begin(forFirstPiece)
}

// received stops the timer, which ends the current wait. The turn calls it when a piece has come.
func (w *tokenTimeout) received() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// awaitNext starts the timer again. It is called when the caller has read a piece and the wait
// for the next piece begins.
func (w *tokenTimeout) awaitNext() { w.begin(forNextPiece) }

// stop stops the timer and cancels the context.
func (w *tokenTimeout) stop() {
	w.received()
	w.cancel(nil)
}

// tokenTimeoutError is the cause with which the watchdog cancels a call. It blames the
// provider, or the host if the call was still in the queue.
type tokenTimeoutError struct {
	fault          *fault.Error
	blamesUpstream bool
}

func (e *tokenTimeoutError) Error() string { return e.fault.Error() }
func (e *tokenTimeoutError) Unwrap() error { return e.fault }

// BlamesUpstream reports whether a circuit breaker counts the timeout as a failure of the
// upstream. It returns false if the call was still in the queue. It also returns false if the
// tenant set the timeout, because the tenant's timeout may be too short.
func (e *tokenTimeoutError) BlamesUpstream() bool { return e.blamesUpstream }
