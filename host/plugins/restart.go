package plugins

import (
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

// start makes one attempt to start the process.
func (s *supervisor) start() {
	s.mu.Lock()
	s.state = Starting
	bin := s.bin
	s.announceLocked()
	s.mu.Unlock()
	p, err := s.m.launch(s.ctx, bin, s.scope)
	if err != nil {
		if s.ctx.Err() == nil {
			s.fail(failure{err: err})
		}
		return
	}
	s.mu.Lock()
	s.serveLocked(p)
	s.mu.Unlock()
	s.m.retireUnused(s)
}

// serveLocked makes p the process that takes calls. Locked: mu is held.
func (s *supervisor) serveLocked(p *worker) {
	s.proc, s.info, s.state, s.retryAt, s.startErr = p, p.Info, Ready, time.Time{}, nil
	s.failures.started()
	s.resizeQueueLocked()
	s.announceLocked()
	if s.parent == nil {
		s.m.changes.note(s.ref, p.Info.Version)
	}
	s.drains.Go(p.Probe) // Probe returns when the process has ended
}

// failure is a failed start or a crash of a process.
type failure struct {
	err error
	// attributed says that a tenant's calls or configuration crashed the process. Such a
	// crash does not count toward quarantine.
	attributed bool
}

// fail records a failure, and decides the next state and the time of the next start.
func (s *supervisor) fail(f failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = f.err.Error()
	var start *process.StartError
	if errors.As(f.err, &start) {
		s.startErr = start
	}
	var delay time.Duration
	quarantined := false
	if start != nil && start.HostFault {
		delay = s.failures.addHostFault(s.m.timing)
	} else if !f.attributed {
		delay, quarantined = s.failures.add(time.Now(), s.m.timing)
	}
	switch {
	case s.withdrawn != nil:
		s.failForLocked(s.withdrawn)
		s.log.Error("plugin failed, and is not started again", "error", f.err, "reason", s.withdrawn)
	case start != nil && start.HostFault:
		s.state = Backoff
		s.log.Error("plugin cannot be started through no fault of its own", "error", f.err, "next_try", delay)
	case start != nil && start.Permanent:
		s.state, delay = Failed, s.m.timing.quarantineRetry
		s.log.Error("plugin cannot be used", "error", f.err)
	case f.attributed:
		s.state = Backoff
		s.log.Error("plugin failed by what a tenant did", "error", f.err)
	case quarantined:
		s.state = Quarantined
		s.log.Error("plugin failed again and again and is in quarantine", "error", f.err, "next_try", delay)
	default:
		s.state = Backoff
		s.log.Error("plugin failed", "error", f.err, "next_try", delay)
	}
	s.retryAt = time.Now().Add(delay)
	s.announceLocked()
}

// noteFault records an error of a call that the process survived, if the plugin is to blame
// for it or has not answered in time. Status shows the newest, and the log has one a minute
// at most. The ends of processes are recorded by fail.
func (s *supervisor) noteFault(err error) {
	f := fault.Of(err)
	if f == nil || f.Class == fault.PluginUnavailable || f.Class != fault.Deadline && f.Party != fault.PartyPlugin {
		return
	}
	if own := (*callerError)(nil); errors.As(err, &own) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = f.Error()
	if now := time.Now(); now.Sub(s.notedAt) >= time.Minute {
		s.notedAt = now
		s.log.Warn("plugin failed a call", "error", s.lastErr)
	}
}

// crashed handles the end of the process p that the host did not ask to end. If p ended
// within its trial time, its predecessor takes the calls again.
func (s *supervisor) crashed(p *worker) {
	how := p.ExitReport()
	if s.fallBack(p, how) {
		s.drains.Go(func() { <-p.Gone() })
		return
	}
	attributed := s.attribute(p, how)
	s.mu.Lock()
	s.proc = nil
	s.restarts++
	s.totals.restarts.Add(1)
	if time.Since(p.StartedAt) >= s.m.timing.healthyAfter {
		s.failures.reset()
	}
	lost := p.Info.Exclusive && p.configured() > 0
	s.mu.Unlock()
	err := fmt.Errorf("the plugin process ended (%s)", how)
	if lost {
		err = fmt.Errorf("state lost: what the %s kept in its process is gone: %w", s.ref, err)
	}
	s.fail(failure{err, attributed})
	s.drains.Go(func() { <-p.Gone() })
}

// attribute finds the tenants that may have crashed p, and reports whether a tenant
// certainly caused the crash. how describes the end of p.
func (s *supervisor) attribute(p *worker, how string) (attributed bool) {
	suspects := p.calls.suspects(p.HungSince(), s.m.timing.lingering)
	if s.parent != nil {
		return s.parent.attribution.crashed(s.cell, p, suspects, how)
	}
	return s.attribution.crashed(nil, p, suspects, how)
}
