package plugins

import "time"

// drain waits until p, which takes no more calls, works on none. It needs no limit: each
// call has one of its own. When the supervisor is to end, it does not wait any longer.
func (s *supervisor) drain(p *worker) { s.drainUntil(p, nil) }

// drainWithin is drain with a limit. It reports whether p was drained in that time.
func (s *supervisor) drainWithin(p *worker, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	return s.drainUntil(p, t.C)
}

// drainUntil is drain until the limit, nil for none. It reports false if the limit came first.
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
