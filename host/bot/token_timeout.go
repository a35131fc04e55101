package bot

import (
	"context"
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
// slow reader is not a silent provider. All methods are called from one goroutine.
type tokenTimeout struct {
	limits    config.Limits
	cancel    context.CancelCauseFunc
	timer     *time.Timer // cancels the context if the current wait is too long; nil if the wait has no limit
	receiving bool        // the first piece has come
}

// newTokenTimeout returns a context for the call of the model, and the call's watchdog. The
// watchdog starts to limit the wait in the queue. If a wait takes too long, the watchdog
// cancels the context with a *tokenTimeoutError as its cause. The caller calls stop after the
// call.
func newTokenTimeout(ctx context.Context, l config.Limits) (context.Context, *tokenTimeout) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &tokenTimeout{limits: l, cancel: cancel}
	w.startTimer(l.FirstTokenTimeout, func(d time.Duration) *tokenTimeoutError {
		return &tokenTimeoutError{fault: fault.New(fault.Deadline,
			"the call waited %s in the queue of the llm plugin: calls before it have all that the plugin or its upstream takes at once", d).By(fault.PartyHost)}
	})
	return ctx, w
}

// leftQueue starts the wait for the first piece. It is called when the host sends the call to
// the provider.
func (w *tokenTimeout) leftQueue() {
	w.received()
	w.timer = nil
	w.watchProvider(w.limits.FirstTokenTimeout, "the provider did not begin to reply within %s")
}

// watchProvider ends the call after d. message is the format of the error's text, and takes d.
func (w *tokenTimeout) watchProvider(d time.Duration, message string) {
	w.startTimer(d, func(d time.Duration) *tokenTimeoutError {
		return &tokenTimeoutError{fault.New(fault.Deadline, message, d), !w.limits.TenantSetTokenTimeout}
	})
}

// startTimer cancels the context after d, with the result of cause. It never cancels if d is 0.
func (w *tokenTimeout) startTimer(d time.Duration, cause func(time.Duration) *tokenTimeoutError) {
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(cause(d)) })
	}
}

// received stops the timer. It is called when a piece has come.
func (w *tokenTimeout) received() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// awaitNext starts the timer again. It is called when the caller has read a piece and the wait
// for the next piece begins.
func (w *tokenTimeout) awaitNext() {
	if w.receiving && w.timer != nil {
		w.timer.Reset(w.limits.TokenTimeout)
		return
	}
	w.receiving, w.timer = true, nil
	w.watchProvider(w.limits.TokenTimeout, "the provider stopped in the middle of its reply for %s")
}

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
