package bot

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// silence ends a generation whose provider says nothing for too long: limits say
// how long it may take for the first token and between two. While a piece is being
// delivered the provider is not waited for: a slow reader is not its silence.
//
// heard, waits and end are called from one goroutine.
type silence struct {
	limits config.Limits
	cancel context.CancelCauseFunc
	timer  *time.Timer // nil: it may be silent
	spoke  bool
}

// newSilence watches from now on. The context ends, with a *silent as its cause,
// when the provider is silent for too long.
func newSilence(ctx context.Context, l config.Limits) (context.Context, *silence) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &silence{limits: l, cancel: cancel}
	s.wait(l.FirstTokenTimeout, "the provider did not begin to reply within %s")
	return ctx, s
}

// wait gives the provider so long; without a limit, any time.
func (s *silence) wait(d time.Duration, message string) {
	if d <= 0 {
		return
	}
	s.timer = time.AfterFunc(d, func() {
		s.cancel(&silent{fault.New(fault.Deadline, message, d), !s.limits.Impatient})
	})
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

// silent is why a generation ended whose provider kept silent. Its party is the
// provider.
type silent struct {
	fault  *fault.Error
	blames bool
}

func (e *silent) Error() string { return e.fault.Error() }
func (e *silent) Unwrap() error { return e.fault }

// BlamesUpstream tells circuit breakers whether this is a failure of the upstream,
// and not only of what one tenant expects from it.
func (e *silent) BlamesUpstream() bool { return e.blames }
