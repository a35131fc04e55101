package plugins

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// maxHolds bounds how often the hold time is doubled. After that it is longer than any turn.
const maxHolds = 12

// pausePerHold is how long an exclusive plugin takes calls after they were held in vain, in
// times of the hold.
const pausePerHold = 5

// replaceExclusive stops an exclusive plugin's process, so that run starts the new binary,
// and reports whether it did. Two processes of the plugin must not run at once, so new calls
// are held until those at work have ended. A call may take as long as a turn, so calls are
// held for a short time only. If that is not enough, the old process takes calls again, and
// at the next attempt calls are held for twice as long. No call is cut off.
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

// takeBack makes p take calls again, because its running calls did not end while new calls
// were held. If the last running call has ended meanwhile, it does nothing and reports false.
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
