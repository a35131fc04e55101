package plugins

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// maxHolds limits how often the hold time doubles. After 12 doublings the hold time is
// longer than any turn.
const maxHolds = 12

// pausePerHold is how long the old process takes calls after a failed hold, as a multiple
// of the hold time.
const pausePerHold = 5

// replaceExclusive stops the process of an exclusive plugin, so that run starts the new
// binary. It reports whether it stopped the process. Two processes of the plugin must not
// run at once, so replaceExclusive holds new calls until the running calls have ended. A
// call may take as long as a turn, so replaceExclusive holds calls only for the hold time.
// If running calls remain after that, the old process takes calls again. The next attempt
// holds calls for twice as long. No call is cut off.
func (s *supervisor) replaceExclusive(p *worker, log hclog.Logger) bool {
	s.mu.Lock()
	hold := s.m.timing.hold << min(s.holds, maxHolds)
	s.proc = nil
	s.state = Draining
	s.draining[p] = struct{}{}
	p.replaced.Store(true)
	s.announceLocked()
	s.mu.Unlock()
	if !s.drainWithin(p, hold) && s.takeBack(p, hold, log) {
		return false
	}
	lost := p.configured() > 0
	p.Stop(s.m.hard)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.draining, p)
	s.state, s.holds, s.lastErr = Available, 0, ""
	if lost {
		s.lastErr = fmt.Sprintf("state lost: what the %s kept in its process is gone: it was replaced", s.ref)
		log.Error("state lost: what the plugin kept in its process is gone: it was replaced")
	}
	log.Warn("plugin was stopped to be replaced")
	return true
}

// takeBack makes p take calls again, because its running calls did not end within the hold
// time. If the last running call has ended meanwhile, takeBack does nothing and returns
// false.
func (s *supervisor) takeBack(p *worker, held time.Duration, log hclog.Logger) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.inflight == 0 {
		return false
	}
	s.holds++
	pause := pausePerHold * held
	s.proc, s.state, s.replaceAt = p, Ready, time.Now().Add(pause)
	p.idle = nil
	p.replaced.Store(false)
	delete(s.draining, p)
	s.lastErr = fmt.Sprintf("the new binary waits for %d calls that did not end within %s, in which others were held; the old one takes calls, and it is tried again in %s", p.inflight, held, pause)
	log.Warn("the new binary of an exclusive plugin waits for calls at work; the old one takes calls", "calls", p.inflight, "held", held, "next_try", pause)
	s.announceLocked()
	return true
}
