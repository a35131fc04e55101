package plugins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/hashicorp/go-hclog"
)

type offerOptions struct {
	// retryFailed has a binary tried again that was tried in vain and did not change.
	retryFailed bool
}

// offer tells the supervisor what the plugin's file is now.
func (s *supervisor) offer(bin *discovery.Binary, o offerOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.retryFailed || bin.SHA256 != s.bin.SHA256 || s.withdrawn != nil {
		s.forgive()
	}
	s.bin, s.withdrawn = bin, nil
	s.kick()
}

// forgive has what failed tried again at once: what it failed for may be gone. The lock
// is held.
func (s *supervisor) forgive() {
	s.rejected, s.objection, s.objections, s.holds = "", nil, 0, 0
	s.failures.reset()
	s.retryAt, s.replaceAt = time.Time{}, time.Time{}
	if s.ails() {
		s.state = Available
	}
	s.crashLoops.Reset()
	if s.blame != nil {
		s.blame.forgive()
	}
}

// withdraw tells the supervisor that nothing of the plugin may be started any more,
// until the next offer, and why. What runs goes on.
func (s *supervisor) withdraw(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdrawn = why
	if s.blame != nil {
		s.blame.each(func(cell *supervisor) { cell.withdraw(why) })
	}
	if s.proc == nil && s.state != Stopped {
		s.fail(why)
	}
}

// fail notes that calls fail at once, and why. The lock is held.
func (s *supervisor) fail(why error) {
	s.state, s.lastErr = Failed, why.Error()
	s.announce()
}

// replacementWaits reports whether another binary is to take p's place, and in how long.
func (s *supervisor) replacementWaits(p *worker) (in time.Duration, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits = s.withdrawn == nil && s.bin.SHA256 != p.Binary.SHA256 && (s.bin.SHA256 != s.rejected || s.objection != nil) && len(s.draining) < bounds.DrainingProcesses
	return time.Until(s.replaceAt), waits
}

// standby is a process that was replaced and takes the calls again if its successor
// ends soon.
type standby struct {
	p, next *worker
	back    chan struct{} // closed when it took the calls again
}

// replace puts a process of the new binary into p's place, and reports whether it
// did. The old one goes on, and takes calls, until the new one holds every
// instance that is in use, and is well; if that fails, it stays.
func (s *supervisor) replace(p *worker) bool {
	s.mu.Lock()
	bin := s.bin
	s.mu.Unlock()
	log := s.log.With("old", p.Binary.SHA256[:12], "new", bin.SHA256[:12])
	if p.Info.Exclusive {
		return s.succeed(p, log)
	}
	log.Info("plugin is being replaced")
	// When the old one ends meanwhile, calls wait for an ordinary start.
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
			s.reject(bin, err)
		}
		return false
	}
	s.draining[p] = struct{}{}
	s.failures.reset()
	s.lastErr, s.objections = "", 0
	p.replaced.Store(true)
	sb := &standby{p: p, next: next, back: make(chan struct{})}
	s.standby = sb
	s.serve(next)
	s.drains.Go(func() { s.leaveAfterTrial(sb) })
	log.Info("plugin was replaced", "version", next.Info.Version)
	return true
}

// reject notes why a new binary is not used. What is not its fault is tried again. The
// lock is held.
func (s *supervisor) reject(bin *discovery.Binary, err error) {
	var start *process.StartError
	if errors.As(err, &start) && start.HostFault {
		delay := s.failures.addSurroundings(s.m.timing)
		s.replaceAt = time.Now().Add(delay)
		s.lastErr = fmt.Sprintf("the new binary cannot be started through no fault of its own, and the old one goes on: %v", err)
		s.log.Error("the new binary cannot be started through no fault of its own; the old one goes on", "error", err, "next_try", delay)
		return
	}
	s.rejected = bin.SHA256
	s.object(err)
	s.lastErr = fmt.Sprintf("the new binary does not work and the old one goes on: %v", err)
	s.log.Error("the new binary does not work; the old one goes on", "error", err)
}

// leaveAfterTrial ends a replaced process once its successor has been well for a while,
// and its own calls have ended, however long they may take.
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
	s.kick() // a replacement may have waited for this
}

// fallBack puts the predecessor of p, which ended soon after it had taken over, back into
// its place, and reports whether there was one.
func (s *supervisor) fallBack(p *worker, how string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sb := s.standby
	if sb == nil || sb.next != p || !sb.p.TakesCalls() {
		return false
	}
	s.standby = nil
	close(sb.back)
	delete(s.draining, sb.p)
	sb.p.replaced.Store(false)
	s.restarts++
	s.totals.restarts.Add(1)
	s.proc, s.info, s.state, s.retryAt = sb.p, sb.p.Info, Ready, time.Time{}
	s.reject(p.Binary, fmt.Errorf("it ended soon after it had taken over (%s)", how))
	s.announce()
	s.m.changes.note(s.ref, s.info.Version)
	return true
}

// prepare configures all instances that are in use, so that no call has to wait
// for it, and a binary that refuses what its predecessor took is found out. Then the
// new process has to be well.
func (s *supervisor) prepare(ctx context.Context, next *worker) error {
	for _, in := range s.m.instancesOf(s) {
		ctx, cancel := context.WithTimeout(ctx, s.callTimeout())
		_, err := next.configure(ctx, in, "")
		cancel()
		if err != nil {
			return s.m.objects(in, err)
		}
	}
	return next.AwaitHealth(ctx, s.settings.Load().StartTimeout)
}

// maxHolds bounds how often the time is doubled that calls are held for. It is then
// longer than any turn.
const maxHolds = 12

// pausePerHold is how many times as long an exclusive plugin takes calls before they are
// held again, after they were held in vain.
const pausePerHold = 5

// succeed stops an exclusive plugin's process for another binary, which run starts, and
// reports whether it did. Two of them cannot run at once, so that new calls are held until
// those at work have ended. A call may take as long as a turn. So calls are held for a
// short time only: if that is not enough, the old process takes calls again, and later they
// are held for twice as long. No call is cut off.
func (s *supervisor) succeed(p *worker, log hclog.Logger) bool {
	s.mu.Lock()
	hold := s.m.timing.hold << min(s.holds, maxHolds)
	s.proc = nil
	s.state = Draining
	s.draining[p] = struct{}{}
	p.replaced.Store(true)
	s.announce()
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

// takeBack has p take calls again, because those at work did not end while others were
// held, and reports whether it does: not if the last has ended meanwhile.
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
	s.announce()
	return true
}
