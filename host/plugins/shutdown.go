package plugins

import (
	"context"
	"time"
)

// finish stops the processes and waits for all goroutines of the supervisor. It is the last
// step of run.
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

// shutdown refuses new calls, waits for running calls as long as the drain timeout and ctx
// allow, and stops the process. It returns how many calls it cut off.
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

// retire is shutdown for the supervisor of a cell. It waits for the running calls without a
// time limit. If the parent supervisor stops, retire no longer waits.
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

// isClosing reports whether the supervisor refuses new calls.
func (s *supervisor) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// countIn counts a running call. The caller must call countOut when the call has ended.
// countIn returns an error if the supervisor refuses new calls.
func (s *supervisor) countIn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return s.unavailable("it is being stopped")
	}
	s.calls++
	return nil
}

// countOut ends a call that countIn counted.
func (s *supervisor) countOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && s.quiet != nil {
		close(s.quiet)
	}
}
