package plugins

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
)

// supervisor keeps one process of a plugin running while it is needed. One
// goroutine, run, starts and ends processes; calls wait for what it does.
type supervisor struct {
	m          *Manager
	ref        discovery.Ref
	scope      string // the tenant, when the plugin is isolated by tenant
	queue      *admission.Queue
	log        hclog.Logger
	crashLoops *admission.CrashLoops

	totals *totals // of the plugin

	// blame is who is suspected of ending the process; nil in the supervisor of a cell.
	blame *blame
	// parent is whose suspects work in this process, and cell their group; nil but for cells.
	parent *supervisor
	cell   *cell

	settings atomic.Pointer[config.PluginSettings] // the operator's, as they count now

	users  atomic.Int32 // instances that were not released, and questions for the schema
	active atomic.Int32 // instances that somebody holds

	ctx    context.Context // ends when the supervisor is to end
	cancel context.CancelFunc
	ended  chan struct{}
	kicked chan struct{} // holds one: something changed that run should look at

	mu         sync.Mutex
	changed    chan struct{}     // closed and replaced when something that calls wait for changed
	bin        *discovery.Binary // what the next start runs
	withdrawn  error             // why nothing of it may be started now; nil if it may
	rejected   string            // sum of a replacement that did not work
	objection  *objection        // for which it was rejected; nil for another reason
	objections int               // in a row
	replaceAt  time.Time         // when a replacement that could not be started is tried again
	holds      int               // how often calls were held in vain for a replacement
	standby    *standby          // takes the calls again if proc ends soon; nil for none
	proc       *worker           // what takes calls
	info       *pluginv1.GetInfoResponse
	draining   map[*worker]struct{}
	state      State
	closing    bool
	demand     int           // calls that wait for a process
	calls      int           // all calls inside
	quiet      chan struct{} // not nil when closing; closed when calls is 0
	failures   failureLog
	retryAt    time.Time
	lastErr    string
	startErr   error // why the last start failed; nil once one succeeded
	restarts   int
	drains     sync.WaitGroup
}

// newSupervisor makes the supervisor of a plugin, or of a tenant of it.
func newSupervisor(m *Manager, bin *discovery.Binary, scope string) *supervisor {
	s := makeSupervisor(m, bin, scope)
	s.blame = newBlame(s)
	go s.run()
	return s
}

// newCellSupervisor makes the supervisor of a cell. Its calls have their slots from the
// parent's queue.
func newCellSupervisor(parent *supervisor, bin *discovery.Binary, c *cell) *supervisor {
	s := makeSupervisor(parent.m, bin, parent.scope)
	s.parent, s.cell = parent, c
	go s.run()
	return s
}

func makeSupervisor(m *Manager, bin *discovery.Binary, scope string) *supervisor {
	log := m.log.With("kind", bin.Kind, "name", bin.Name)
	if scope != "" {
		log = log.With("tenant", scope)
	}
	s := &supervisor{
		m: m, ref: bin.Ref, scope: scope, log: log, totals: m.totalsOf(bin.Ref), bin: bin, state: Available,
		ended: make(chan struct{}), kicked: make(chan struct{}, 1), changed: make(chan struct{}),
		draining: map[*worker]struct{}{}, crashLoops: admission.NewCrashLoops(bin.Ref.String(), log),
	}
	settings := m.opts.settings(bin.Ref)
	s.settings.Store(&settings)
	s.queue = admission.NewQueue(settings.MaxCalls, func() bool { return s.active.Load() > 1 })
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// run is the supervisor's life.
func (s *supervisor) run() {
	defer close(s.ended)
	for s.ctx.Err() == nil {
		if p := s.current(); p != nil {
			s.watch(p)
			continue
		}
		wait, needed := s.nextStart()
		if needed && wait <= 0 {
			s.start()
			continue
		}
		s.sleep(wait, needed)
	}
	s.end()
}

// nextStart says whether a process is needed and how long to wait with its start. One
// that could not be started is tried whether or not anybody asks for it: who was
// refused for it does not ask again, and wants to know when it is well.
func (s *supervisor) nextStart() (wait time.Duration, needed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.withdrawn != nil {
		return 0, false
	}
	return time.Until(s.retryAt), s.demand > 0 || s.active.Load() > 0 || s.ails()
}

// ails reports whether the plugin could not be started, or not be kept running. The
// lock is held.
func (s *supervisor) ails() bool {
	return s.state == Quarantined || s.state == Failed || s.state == Backoff && s.startErr != nil
}

func (s *supervisor) sleep(wait time.Duration, needed bool) {
	var due <-chan time.Time
	if needed {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-s.ctx.Done():
	case <-s.kicked:
	case <-due:
	}
}

// kick makes run look again.
func (s *supervisor) kick() {
	select {
	case s.kicked <- struct{}{}:
	default:
	}
}

func (s *supervisor) current() *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// announce wakes the calls that wait. The lock is held.
func (s *supervisor) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// start makes one attempt.
func (s *supervisor) start() {
	s.mu.Lock()
	s.state = Starting
	bin := s.bin
	s.announce()
	s.mu.Unlock()
	p, err := s.m.launch(s.ctx, bin, s.scope)
	if err != nil {
		if s.ctx.Err() == nil {
			s.failed(err, false)
		}
		return
	}
	s.mu.Lock()
	s.serve(p)
	s.mu.Unlock()
	s.m.retireUnused(s)
}

// serve makes p the process that takes calls. The lock is held.
func (s *supervisor) serve(p *worker) {
	s.proc, s.info, s.state, s.retryAt, s.startErr = p, p.Info, Ready, time.Time{}, nil
	s.failures.started()
	s.announce()
	if s.parent == nil {
		s.m.changes.note(s.ref, p.Info.Version)
	}
	s.drains.Go(p.Probe) // ends with the process
}

// failed notes a failed start or a crash, and when to try again. One that is a tenant's
// doing does not count toward quarantine.
func (s *supervisor) failed(err error, attributed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr = err.Error()
	var start *process.StartError
	if errors.As(err, &start) {
		s.startErr = start
	}
	var delay time.Duration
	quarantined := false
	if start != nil && start.HostFault {
		delay = s.failures.addSurroundings(s.m.timing)
	} else if !attributed {
		delay, quarantined = s.failures.add(time.Now(), s.m.timing)
	}
	switch {
	case s.withdrawn != nil:
		s.fail(s.withdrawn)
		s.log.Error("plugin failed, and is not started again", "error", err, "reason", s.withdrawn)
	case start != nil && start.HostFault:
		s.state = Backoff
		s.log.Error("plugin cannot be started through no fault of its own", "error", err, "next_try", delay)
	case start != nil && start.Permanent:
		s.state, delay = Failed, s.m.timing.quarantineRetry
		s.log.Error("plugin cannot be used", "error", err)
	case attributed:
		s.state = Backoff
		s.log.Error("plugin failed by what a tenant did", "error", err)
	case quarantined:
		s.state = Quarantined
		s.log.Error("plugin failed again and again and is in quarantine", "error", err, "next_try", delay)
	default:
		s.state = Backoff
		s.log.Error("plugin failed", "error", err, "next_try", delay)
	}
	s.retryAt = time.Now().Add(delay)
	s.announce()
}

// watch follows p until it is no longer what takes calls, or run should end.
func (s *supervisor) watch(p *worker) {
	for s.ctx.Err() == nil {
		if p.HasExited() {
			s.crashed(p)
			return
		}
		in, waits := s.replacementWaits(p)
		if waits && in <= 0 {
			if s.admit(p) && s.replace(p) {
				return
			}
			continue
		}
		s.await(p, in, waits)
	}
}

// await returns when something may have changed: p ended, somebody kicked, or the time
// has come if there is one.
func (s *supervisor) await(p *worker, in time.Duration, timed bool) {
	var due <-chan time.Time
	if timed {
		t := time.NewTimer(in)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-s.ctx.Done():
	case <-p.Exited():
	case <-s.kicked:
	case <-due:
	}
}

// crashed notes that p ended without being asked to.
func (s *supervisor) crashed(p *worker) {
	how := p.ExitReport()
	if s.fallBack(p, how) {
		s.drains.Go(func() { <-p.Gone() })
		return
	}
	attributed := s.whose(p, how)
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
	s.failed(err, attributed)
	s.drains.Go(func() { <-p.Gone() })
}

// whose finds out whose doing the end of p was, and reports whether it was a tenant's.
func (s *supervisor) whose(p *worker, how string) (attributed bool) {
	suspects := p.calls.suspects(p.HungSince(), s.m.timing.lingering)
	if s.parent != nil {
		return s.parent.blame.ended(s.cell, p, suspects, how)
	}
	return s.blame.ended(nil, p, suspects, how)
}

// end stops everything.
func (s *supervisor) end() {
	s.mu.Lock()
	p := s.proc
	s.proc = nil
	s.state = Stopped
	if p != nil {
		s.draining[p] = struct{}{}
	}
	s.announce()
	s.mu.Unlock()
	if s.blame != nil {
		s.blame.close()
	}
	if p != nil {
		p.Stop(s.m.hard)
		s.mu.Lock()
		delete(s.draining, p)
		s.mu.Unlock()
	}
	s.drains.Wait()
}

// shutdown refuses new calls, lets the ones inside come to their end, bounded by
// the drain timeout and ctx, and stops the process. It answers how many calls were
// cut off.
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

// retire is shutdown for a cell: it lets the calls inside come to their end, however long
// they take, unless the parent is to end.
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

// cannotStart reports whether there is no process, and starts of one fail.
func (s *supervisor) cannotStart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && s.ails()
}

// isClosing reports whether new calls are refused.
func (s *supervisor) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// stateNow returns the state, and the process that takes calls, 0 if there is none.
func (s *supervisor) stateNow() (State, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return s.state, 0
	}
	return s.state, s.proc.PID
}

// binary is what runs, or what the next start runs.
func (s *supervisor) binary() *discovery.Binary {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc.Binary
	}
	return s.bin
}

// enter counts a call in.
func (s *supervisor) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return s.unavailable("it is being stopped")
	}
	s.calls++
	return nil
}

// leave counts a call out.
func (s *supervisor) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && s.quiet != nil {
		close(s.quiet)
	}
}

func (s *supervisor) unavailable(format string, args ...any) *fault.Error {
	return fault.New(fault.PluginUnavailable, "the %s is not available: %s", s.ref, fmt.Sprintf(format, args...))
}

// isTrying reports whether starts go on until one succeeds.
func (s *supervisor) isTrying() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && (s.ails() || s.state == Starting)
}
