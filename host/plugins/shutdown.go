package plugins

import (
	"context"
	"time"
)

// finish stops the processes and waits for all that the supervisor has started. It is the
// last step of run.
func (s *supervisor) finish() {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.state = Stopped
	if p != nil {
		s.draining[p] = struct{}{}
	}
	s.announceLocked()
	s.mu.Unlock()
	if s.attribution != nil {
		s.attribution.close()
	}
	if p != nil {
		p.Stop(s.m.hard)
		s.mu.Lock()
		delete(s.draining, p)
		s.mu.Unlock()
	}
	s.drains.Wait()
}

// shutdown refuses new calls, waits for those at work, as long as the drain timeout and ctx
// allow, and stops the process. It returns how many calls were cut off.
func (s *supervisor) shutdown(ctx context.Context) int {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		s.quiet = make(chan struct{})
		if s.calls == 0 {
			close(s.quiet)
		}
		if s.state == Ready {
			s.state = Draining
		}
	}
	quiet := s.quiet
	s.mu.Unlock()
	limit := time.NewTimer(s.m.opts.DrainTimeout)
	defer limit.Stop()
	select {
	case <-quiet:
	case <-limit.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	cut := s.calls
	s.mu.Unlock()
	s.cancel()
	<-s.ended
	return cut
}

// retire is shutdown for a cell. It waits for the calls at work however long they take,
// unless the parent ends.
func (s *supervisor) retire() {
	s.mu.Lock()
	s.closing = true
	s.quiet = make(chan struct{})
	if s.calls == 0 {
		close(s.quiet)
	}
	quiet := s.quiet
	s.mu.Unlock()
	select {
	case <-quiet:
	case <-s.parent.ctx.Done():
	case <-s.m.hard.Done():
	}
	s.cancel()
	<-s.ended
}

// isClosing reports whether new calls are refused.
func (s *supervisor) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// countIn counts a call in, which countOut counts out. It fails if the supervisor refuses
// new calls.
func (s *supervisor) countIn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return s.unavailable("it is being stopped")
	}
	s.calls++
	return nil
}

// countOut counts a call out.
func (s *supervisor) countOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && s.quiet != nil {
		close(s.quiet)
	}
}
