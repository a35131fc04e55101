package plugins

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
)

type offerOptions struct {
	// retryFailed makes the supervisor try a failed binary again, although the file did not
	// change.
	retryFailed bool
}

// offer tells the supervisor the plugin's current file.
func (s *supervisor) offer(bin *discovery.Binary, o offerOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.retryFailed || bin.SHA256 != s.bin.SHA256 || s.withdrawn != nil {
		s.resetFailuresLocked()
	}
	s.bin, s.withdrawn = bin, nil
	s.kick()
}

// resetFailuresLocked forgets all failures of the plugin, so that the plugin is tried again
// at once. It is called when the cause of the failures may be gone. Locked: mu is held.
func (s *supervisor) resetFailuresLocked() {
	s.rejected, s.configRefusal, s.configRefusals, s.holds = "", nil, 0, 0
	s.failures.reset()
	s.retryAt, s.replaceAt = time.Time{}, time.Time{}
	if s.isFailingLocked() {
		s.state = Available
	}
	s.crashLoops.Reset()
	if s.attribution != nil {
		s.attribution.reset()
	}
}

// withdraw forbids starts of the plugin until offer is called. why is the reason. A running
// process continues.
func (s *supervisor) withdraw(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdrawn = why
	if s.attribution != nil {
		s.attribution.each(func(cell *supervisor) { cell.withdraw(why) })
	}
	if s.proc == nil && s.state != Stopped {
		s.failForLocked(why)
	}
}

// failForLocked sets the state Failed, in which calls fail at once. Status shows the reason
// why. Locked: mu is held.
func (s *supervisor) failForLocked(why error) {
	s.state, s.lastErr = Failed, why.Error()
	s.announceLocked()
}

// replacementWaits reports whether a new binary is waiting to replace p, and how long the
// supervisor must still wait before it tries.
func (s *supervisor) replacementWaits(p *worker) (in time.Duration, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits = s.withdrawn == nil && s.bin.SHA256 != p.Binary.SHA256 && (s.bin.SHA256 != s.rejected || s.configRefusal != nil) && len(s.draining) < bounds.DrainingProcesses
	return time.Until(s.replaceAt), waits
}

// standby is a process p that was replaced by next. p takes the calls again if next ends
// within the trial time.
type standby struct {
	p, next *worker
	back    chan struct{} // closed when p takes the calls again
}

// replace starts a process of the new binary as a replacement of p, and reports whether it
// succeeded. p takes calls until the new process is healthy and has every instance that is
// in use. If the new process fails, p continues.
func (s *supervisor) replace(p *worker) bool {
	s.mu.Lock()
	bin := s.bin
	s.mu.Unlock()
	log := s.log.With("old", p.Binary.SHA256[:12], "new", bin.SHA256[:12])
	if p.Info.Exclusive {
		return s.replaceExclusive(p, log)
	}
	log.Info("plugin is being replaced")
	// If p ends before the replacement is done, the replacement is given up, and waiting
	// calls get a process from an ordinary start.
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	go func() {
		select {
		case <-p.Exited():
			cancel()
		case <-ctx.Done():
		}
	}()
	next, err := s.m.launch(ctx, bin, s.scope)
	if err == nil {
		if err = s.prepare(ctx, next); err != nil {
			s.drains.Go(func() { next.Stop(s.m.hard) })
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			s.rejectLocked(bin, err)
		}
		return false
	}
	s.draining[p] = struct{}{}
	s.failures.reset()
	s.lastErr, s.configRefusals = "", 0
	p.replaced.Store(true)
	sb := &standby{p: p, next: next, back: make(chan struct{})}
	s.standby = sb
	s.serveLocked(next)
	s.drains.Go(func() { s.leaveAfterTrial(sb) })
	log.Info("plugin was replaced", "version", next.Info.Version)
	return true
}

// leaveAfterTrial stops a replaced process after its successor has run for the trial time
// and all calls of the replaced process have ended.
func (s *supervisor) leaveAfterTrial(sb *standby) {
	trial := time.NewTimer(s.m.timing.trial)
	defer trial.Stop()
	select {
	case <-trial.C:
	case <-sb.p.Exited():
	case <-s.ctx.Done():
	case <-sb.back:
		return
	}
	s.mu.Lock()
	select {
	case <-sb.back:
		s.mu.Unlock()
		return
	default:
	}
	if s.standby == sb {
		s.standby = nil
	}
	s.mu.Unlock()
	s.drain(sb.p)
	sb.p.Stop(s.m.hard)
	s.mu.Lock()
	delete(s.draining, sb.p)
	s.mu.Unlock()
	s.kick() // a further replacement may have waited until fewer processes drain
}

// fallBack makes the predecessor of p take the calls again, after p has ended within its
// trial time. It reports whether p has a predecessor that still takes calls. how describes
// the end of p.
func (s *supervisor) fallBack(p *worker, how string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sb := s.standby
	if sb == nil || sb.next != p || !sb.p.TakesCalls(0) {
		return false
	}
	s.standby = nil
	close(sb.back)
	delete(s.draining, sb.p)
	sb.p.replaced.Store(false)
	s.restarts++
	s.totals.restarts.Add(1)
	s.proc, s.info, s.state, s.retryAt = sb.p, sb.p.Info, Ready, time.Time{}
	s.resizeQueueLocked()
	s.rejectLocked(p.Binary, fmt.Errorf("it ended soon after it had taken over (%s)", how))
	s.announceLocked()
	s.m.changes.note(s.ref, s.info.Version)
	return true
}

// prepare configures all instances that are in use in the new process, and waits until the
// process is healthy. So no call waits for the configuration later, and a binary that
// refuses a configuration of its predecessor is detected before it takes calls.
func (s *supervisor) prepare(ctx context.Context, next *worker) error {
	for _, in := range s.m.instancesOf(s) {
		ctx, cancel := context.WithTimeout(ctx, s.callTimeout())
		_, err := next.configure(ctx, in, "")
		cancel()
		if err != nil {
			return s.m.asConfigRefusal(in, err)
		}
	}
	return next.AwaitHealth(ctx, s.settings.Load().StartTimeout)
}
