package plugins

import (
	"context"
	"fmt"
	"time"
)

// offer tells the supervisor what the plugin's file is now. A binary that was
// tried in vain is tried again only when somebody asks for it.
func (s *supervisor) offer(bin *binary, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked || bin.sum != s.bin.sum || s.withdrawn != nil {
		s.forgive()
	}
	s.bin, s.withdrawn = bin, nil
	s.kick()
}

// forgive has what failed tried again at once: what it failed for may be gone. The lock
// is held.
func (s *supervisor) forgive() {
	s.rejected = ""
	s.failures.reset()
	s.retryAt = time.Time{}
	if s.ails() {
		s.state = Available
	}
	clear(s.poisonous)
	s.suspects.Store(0)
}

// withdraw tells the supervisor that nothing of the plugin may be started any more,
// until the next offer, and why. What runs goes on.
func (s *supervisor) withdraw(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdrawn = why
	if s.proc == nil && s.state != Stopped {
		s.fail(why)
	}
}

// fail notes that calls fail at once, and why. The lock is held.
func (s *supervisor) fail(why error) {
	s.state, s.lastErr = Failed, why.Error()
	s.announce()
}

func (s *supervisor) replacementWaits(p *process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bin.sum != p.bin.sum && s.bin.sum != s.rejected
}

// replace puts a process of the new binary into p's place, and reports whether it
// did. The old one goes on, and takes calls, until the new one holds every
// instance that is in use; if that fails, it stays.
func (s *supervisor) replace(p *process) bool {
	s.mu.Lock()
	bin := s.bin
	s.mu.Unlock()
	log := s.log.With("old", p.bin.sum[:12], "new", bin.sum[:12])
	if p.info.Exclusive {
		s.succeed(p)
		log.Warn("plugin was stopped to be replaced")
		return true
	}
	log.Info("plugin is being replaced")
	next, err := s.m.launch(s.ctx, bin, s.scope)
	if err == nil {
		if err = s.prepare(next); err != nil {
			next.stop(s.m.hard)
		}
	}
	if s.ctx.Err() != nil {
		if err == nil {
			next.stop(s.m.hard)
		}
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.rejected = bin.sum
		s.lastErr = fmt.Sprintf("the new binary does not work and the old one goes on: %v", err)
		log.Error("the new binary does not work; the old one goes on", "error", err)
		return false
	}
	s.draining[p] = struct{}{}
	s.failures.reset()
	s.lastErr = ""
	s.serve(next)
	s.drains.Go(func() {
		s.drain(p)
		p.stop(s.m.hard)
		s.mu.Lock()
		delete(s.draining, p)
		s.mu.Unlock()
	})
	log.Info("plugin was replaced", "version", next.info.Version)
	return true
}

// prepare configures all instances that are in use, so that no call has to wait
// for it, and a binary that refuses what its predecessor took is found out.
func (s *supervisor) prepare(next *process) error {
	for _, in := range s.m.instancesOf(s) {
		ctx, cancel := context.WithTimeout(s.ctx, s.callTimeout())
		_, err := next.configure(ctx, in)
		cancel()
		if err != nil {
			return fmt.Errorf("it refuses a configuration that is in use: %w", err)
		}
	}
	return nil
}

// succeed stops an exclusive plugin's process. Calls that come wait for the next,
// which run starts.
func (s *supervisor) succeed(p *process) {
	s.mu.Lock()
	s.proc = nil
	s.state = Draining
	s.draining[p] = struct{}{}
	s.announce()
	s.mu.Unlock()
	s.drain(p)
	lost := p.configured() > 0
	p.stop(s.m.hard)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.draining, p)
	s.state = Available
	if lost {
		s.lastErr = fmt.Sprintf("state lost: what the %s kept in its process is gone: it was replaced", s.ref)
		s.log.Error("state lost: what the plugin kept in its process is gone: it was replaced")
	}
}
