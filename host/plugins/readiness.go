package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

// acquire waits for a process that takes calls, starts one if there is none, and
// counts the caller in; giveBack counts it out. A plugin in quarantine fails at
// once, and so does a cell that could not be started.
func (s *supervisor) acquire(ctx context.Context) (*worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.proc; p != nil && p.TakesCalls() {
		p.inflight++
		return p, nil
	}
	limit := time.NewTimer(s.settings.Load().StartTimeout)
	defer limit.Stop()
	s.demand++
	defer func() { s.demand-- }()
	for {
		if p := s.proc; p != nil && p.TakesCalls() {
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
			return nil, s.broken("it failed again and again").After(time.Until(s.retryAt).Round(time.Second))
		}
		if s.parent != nil && s.ails() {
			return nil, s.broken("it does not start") // the parent's process is there
		}
		changed := s.changed
		s.kick()
		s.mu.Unlock()
		err := waitFor(ctx, changed, limit.C, s.ctx.Done())
		s.mu.Lock()
		switch {
		case errors.Is(err, errLimit):
			if s.failures.surroundings > 0 {
				return nil, s.broken("this host cannot start it at the moment").By(fault.PartyHost).After(time.Second)
			}
			if s.state == Draining {
				return nil, s.unavailable("it is being replaced, and its old process still has calls").After(time.Second)
			}
			return nil, s.broken("it does not start in time").After(time.Second)
		case err != nil:
			return nil, fault.Of(err)
		}
	}
}

// broken is the error of calls while there is no process. What the plugin said is
// its cause and not its message: callers are shown that, and one tenant's call may
// have made it say something that is not for others. The lock is held.
func (s *supervisor) broken(why string) *fault.Error {
	err := s.unavailable("%s", why)
	if s.startErr != nil {
		err.Err = s.startErr
	} else if s.lastErr != "" {
		err.Err = errors.New(s.lastErr)
	}
	return err
}

var errLimit = errors.New("limit reached")

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

// giveBack ends a call on p.
func (s *supervisor) giveBack(p *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.inflight--
	if p.inflight == 0 && p.idle != nil {
		close(p.idle)
	}
}

// drain waits until p, which takes no more calls, has none. Each call has a limit of its
// own, a turn's that of its tenant; when the supervisor is to end, what is left is cut off.
func (s *supervisor) drain(p *worker) { s.drainUntil(p, nil) }

// drainWithin is drain, and reports whether it came to an end in the time.
func (s *supervisor) drainWithin(p *worker, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	return s.drainUntil(p, t.C)
}

// drainUntil is drain, and reports whether it came to an end before the limit, nil for none.
func (s *supervisor) drainUntil(p *worker, limit <-chan time.Time) bool {
	s.mu.Lock()
	idle := make(chan struct{})
	p.idle = idle
	if p.inflight == 0 {
		close(idle)
	}
	s.mu.Unlock()
	select {
	case <-idle:
	case <-p.Exited():
	case <-s.ctx.Done():
	case <-s.m.hard.Done():
	case <-limit:
		return false
	}
	return true
}

// lastInfo is what the plugin said of itself when it last became ready.
func (s *supervisor) lastInfo() *pluginv1.GetInfoResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// sum is that of the binary that takes calls, or would.
func (s *supervisor) sum() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc.Binary.SHA256
	}
	return s.bin.SHA256
}

// release makes the process, if there is one, forget the instance.
func (s *supervisor) release(in *instance) {
	if s.blame != nil {
		s.blame.each(func(cell *supervisor) { cell.release(in) })
	}
	s.mu.Lock()
	p := s.proc
	s.mu.Unlock()
	if p == nil || p.HasExited() {
		return
	}
	ctx, cancel := context.WithTimeout(s.m.hard, s.callTimeout())
	defer cancel()
	if err := p.release(ctx, in); err != nil && !p.HasExited() {
		p.Log.Warn("an instance was not released", "error", err)
	}
}
