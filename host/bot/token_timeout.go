package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// queueing is a model whose calls may wait in a queue of the host before they are sent.
type queueing interface {
	// ChatFrom does what Chat does. It also calls begun once, from the caller's goroutine,
	// when the call leaves the queue.
	ChatFrom(ctx context.Context, req *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error)
}

// tokenTimeout is the watchdog of one call of the model: it ends the context of a call
// whose provider is silent for too long. It watches one wait after the other:
//
//	in the queue             at most Limits.FirstTokenTimeout, until leftQueue is called
//	for the first piece      at most Limits.FirstTokenTimeout, until received is called
//	for each piece after it  at most Limits.TokenTimeout, from awaitNext to received
//
// While the caller takes a piece, between received and awaitNext, no time runs: a slow
// reader is not a silent provider. All methods are called from one goroutine.
type tokenTimeout struct {
	limits    config.Limits
	cancel    context.CancelCauseFunc
	timer     *time.Timer // ends the current wait; nil if the wait has no limit
	receiving bool        // a piece has come
}

// newTokenTimeout returns a context for the call, and its watchdog, which starts to watch
// the queue. If a wait takes too long, the context ends with a *tokenTimeoutError as its
// cause. The caller stops the watchdog.
func newTokenTimeout(ctx context.Context, l config.Limits) (context.Context, *tokenTimeout) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &tokenTimeout{limits: l, cancel: cancel}
	w.startTimer(l.FirstTokenTimeout, func(d time.Duration) *tokenTimeoutError {
		return &tokenTimeoutError{fault: fault.New(fault.Deadline,
			"the call waited %s in the queue of the llm plugin: calls before it have all that the plugin or its upstream takes at once", d).By(fault.PartyHost)}
	})
	return ctx, w
}

// leftQueue is called when the call is sent to the provider.
func (w *tokenTimeout) leftQueue() {
	w.received()
	w.timer = nil
	w.watchProvider(w.limits.FirstTokenTimeout, "the provider did not begin to reply within %s")
}

// watchProvider ends the call after d, with the message.
func (w *tokenTimeout) watchProvider(d time.Duration, message string) {
	w.startTimer(d, func(d time.Duration) *tokenTimeoutError {
		return &tokenTimeoutError{fault.New(fault.Deadline, message, d), !w.limits.TenantSetTokenTimeout}
	})
}

// startTimer ends the context after d, or never if d is 0.
func (w *tokenTimeout) startTimer(d time.Duration, cause func(time.Duration) *tokenTimeoutError) {
	if d > 0 {
		w.timer = time.AfterFunc(d, func() { w.cancel(cause(d)) })
	}
}

// received is called when a piece has come. It stops the timer.
func (w *tokenTimeout) received() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// awaitNext is called when the caller has taken a piece and the wait for the next one begins.
// It starts the timer again.
func (w *tokenTimeout) awaitNext() {
	if w.receiving && w.timer != nil {
		w.timer.Reset(w.limits.TokenTimeout)
		return
	}
	w.receiving, w.timer = true, nil
	w.watchProvider(w.limits.TokenTimeout, "the provider stopped in the middle of its reply for %s")
}

// stop ends the watching and the context.
func (w *tokenTimeout) stop() {
	w.received()
	w.cancel(nil)
}

// tokenTimeoutError is why the watchdog ended a call. The fault's party is the provider, or
// the host if the call was still in the queue.
type tokenTimeoutError struct {
	fault          *fault.Error
	blamesUpstream bool
}

func (e *tokenTimeoutError) Error() string { return e.fault.Error() }
func (e *tokenTimeoutError) Unwrap() error { return e.fault }

// BlamesUpstream reports whether a circuit breaker counts this as a failure of the
// upstream. It does not if the tenant set a timeout of its own, which may be too short.
func (e *tokenTimeoutError) BlamesUpstream() bool { return e.blamesUpstream }
