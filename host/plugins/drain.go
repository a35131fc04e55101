package plugins

import "time"

// drain waits until the last call of p has ended. p takes no more calls. drain needs no
// limit, because each call has a deadline of its own. When the supervisor is to end, drain
// returns at once.
func (s *supervisor) drain(p *worker) { s.drainUntil(p, nil) }

// drainWithin does what drain does, with a limit. It reports whether p was drained in that
// time.
func (s *supervisor) drainWithin(p *worker, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	return s.drainUntil(p, t.C)
}

// drainUntil does what drain does, until a value comes from limit; nil means no limit. It
// reports false if the limit came first.
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
