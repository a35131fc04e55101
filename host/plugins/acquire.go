package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// acquire returns a worker whose process takes calls, and starts a process if there is
// none. The caller must call giveBack after the call. acquire fails at once if the plugin
// is in quarantine, if its file is refused, or if the process of a cell cannot be started.
// Otherwise it waits for at most the start timeout.
func (s *supervisor) acquire(ctx context.Context) (*worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.proc; p != nil && p.takesCallsLocked() {
		p.inflight++
		return p, nil
	}
	limit := time.NewTimer(s.settings.Load().StartTimeout)
	defer limit.Stop()
	s.demand++
	defer func() { s.demand-- }()
	for {
		if p := s.proc; p != nil && p.takesCallsLocked() {
			p.inflight++
			return p, nil
		}
		if s.ctx.Err() != nil {
			return nil, s.unavailable("it is being stopped")
		}
		if s.withdrawn != nil {
			err := s.unavailable("nothing of it can be started: its file is gone or is refused by this host").By(fault.PartyHost)
			err.Err = s.withdrawn
			return nil, err
		}
		if (s.state == Quarantined || s.state == Failed) && time.Now().Before(s.retryAt) {
			return nil, s.failingErrorLocked("it failed again and again").After(time.Until(s.retryAt).Round(time.Second))
		}
		if s.parent != nil && s.isFailingLocked() {
			return nil, s.failingErrorLocked("it does not start") // the parent's process can make the call instead
		}
		changed := s.changed
		s.kick()
		s.mu.Unlock()
		err := waitFor(ctx, changed, limit.C, s.ctx.Done())
		s.mu.Lock()
		switch {
		case errors.Is(err, errLimit):
			if s.failures.hostFaults > 0 {
				return nil, s.failingErrorLocked("this host cannot start it at the moment").By(fault.PartyHost).After(time.Second)
			}
			if s.state == Draining {
				return nil, s.unavailable("it is being replaced, and its old process still has calls").After(time.Second)
			}
			return nil, s.failingErrorLocked("it does not start in time").After(time.Second)
		case err != nil:
			return nil, fault.Of(err)
		}
	}
}

// askAgain is how old the system's word that a busy process runs may be. Callers of a busy
// process come many at once. If each of them asked the system, they would wait for each
// other, and their requests would go out one by one and not together.
const askAgain = time.Millisecond

// takesCallsLocked reports whether a call may be sent to the process. It asks the system for
// the first of concurrent calls, so that a call to a process at rest never gets a process
// that has ended. Locked: supervisor.mu is held.
func (w *worker) takesCallsLocked() bool {
	if w.inflight == 0 {
		return w.TakesCalls(0)
	}
	return w.TakesCalls(askAgain)
}

// failingErrorLocked returns the error of calls while the plugin has no process. The
// plugin's last error becomes only the cause of the returned error. It is not part of the
// message, because callers see the message, and the plugin's error may contain data of
// another tenant. Locked: mu is held.
func (s *supervisor) failingErrorLocked(why string) *fault.Error {
	err := s.unavailable("%s", why)
	if s.startErr != nil {
		err.Err = s.startErr
	} else if s.lastErr != "" {
		err.Err = errors.New(s.lastErr)
	}
	return err
}

var errLimit = errors.New("limit reached")

// waitFor returns nil when changed or ended is closed, errLimit when limit fires, and the
// error of ctx when ctx ends.
func waitFor(ctx context.Context, changed <-chan struct{}, limit <-chan time.Time, ended <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-limit:
		return errLimit
	}
}

// giveBack ends a call on the worker p, which acquire returned.
func (s *supervisor) giveBack(p *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.inflight--
	if p.inflight == 0 && p.idle != nil {
		close(p.idle)
	}
}

// lastInfo returns what the newest ready process answered to GetInfo.
func (s *supervisor) lastInfo() *pluginv1.GetInfoResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// sum returns the checksum of the running binary. Without a process, it returns the
// checksum of the binary that the next start will run.
func (s *supervisor) sum() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc.Binary.SHA256
	}
	return s.bin.SHA256
}
