package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// queueing is a model whose calls wait in a queue until they are made.
type queueing interface {
	// ChatFrom is Chat. It calls begun, once and from the caller's goroutine, when the
	// call leaves the queue.
	ChatFrom(ctx context.Context, req *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error)
}

// silence ends a generation whose provider says nothing for too long: limits say
// how long it may take for the first token and between two. While a piece is being
// delivered the provider is not waited for: a slow reader is not its silence. Nor is
// the time in a queue, which may be as long as that for the first token.
//
// begun, heard, waits and end are called from one goroutine.
type silence struct {
	limits config.Limits
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: it may be silent
	spoke  bool
}

// newSilence watches the queue until begun is called. The context ends, with a
// *silent as its cause, when the provider, or the queue, takes too long.
func newSilence(ctx context.Context, l config.Limits) (context.Context, *silence) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &silence{limits: l, cancel: cancel}
	s.within(l.FirstTokenTimeout, func(d time.Duration) *silent {
		return &silent{fault: fault.New(fault.Deadline,
			"the call waited %s in the queue of the llm plugin: calls before it have all that the plugin or its upstream takes at once", d).By(fault.PartyHost)}
	})
	return ctx, s
}

// begun says that the provider is asked, and watches it from now on.
func (s *silence) begun() {
	s.heard()
	s.timer = nil
	s.wait(s.limits.FirstTokenTimeout, "the provider did not begin to reply within %s")
}

// wait gives the provider so long.
func (s *silence) wait(d time.Duration, message string) {
	s.within(d, func(d time.Duration) *silent {
		return &silent{fault.New(fault.Deadline, message, d), !s.limits.TenantSetTokenTimeout}
	})
}

// within ends the context after so long; without a limit, never.
func (s *silence) within(d time.Duration, why func(time.Duration) *silent) {
	if d > 0 {
		s.timer = time.AfterFunc(d, func() { s.cancel(why(d)) })
	}
}

// heard says that something came.
func (s *silence) heard() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// waits says that the next piece is waited for.
func (s *silence) waits() {
	if s.spoke && s.timer != nil {
		s.timer.Reset(s.limits.TokenTimeout)
		return
	}
	s.spoke, s.timer = true, nil
	s.wait(s.limits.TokenTimeout, "the provider stopped in the middle of its reply for %s")
}

// end stops watching.
func (s *silence) end() {
	s.heard()
	s.cancel(nil)
}

// silent is why a generation ended whose provider kept silent, or was not reached.
// Its party is the provider, or the host.
type silent struct {
	fault  *fault.Error
	blames bool
}

func (e *silent) Error() string { return e.fault.Error() }
func (e *silent) Unwrap() error { return e.fault }

// BlamesUpstream tells circuit breakers whether this is a failure of the upstream,
// and not only of what one tenant expects from it.
func (e *silent) BlamesUpstream() bool { return e.blames }
