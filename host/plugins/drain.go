package plugins

import "time"

// drain waits until the last call of p has ended. p takes no more calls. drain needs no
// limit, because each call has a deadline of its own. drain returns early if the supervisor
// is to stop.
func (s *supervisor) drain(p *worker) { s.drainUntil(p, nil) }

// drainWithin is drain with a time limit. It returns false if the limit passed first.
func (s *supervisor) drainWithin(p *worker, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	return s.drainUntil(p, t.C)
}

// drainUntil waits like drain, but returns false as soon as a value comes from limit. A nil
// limit means no limit.
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
