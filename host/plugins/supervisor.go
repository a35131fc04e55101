package plugins

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
)

// supervisor keeps one process of a plugin running while it is needed. One goroutine, run,
// starts and ends processes; calls wait for what it does. The states and what changes them
// are in the package's documentation.
type supervisor struct {
	m          *Manager
	ref        discovery.Ref
	scope      string // the tenant, when the plugin is isolated by tenant
	queue      *admission.Queue
	log        hclog.Logger
	crashLoops *admission.CrashLoops

	totals *totals // the plugin's counters; all its supervisors share them

	// attribution knows who is suspected of crashing the process. It is nil in the
	// supervisor of a cell.
	attribution *attribution
	// parent is the supervisor whose suspects this process works for, and cell is their
	// group. Both are nil unless this is the supervisor of a cell.
	parent *supervisor
	cell   *cell

	settings atomic.Pointer[config.PluginSettings] // the operator's settings that are in use now

	users  atomic.Int32 // instances that were not released, and questions for the schema
	active atomic.Int32 // instances that somebody holds

	ctx    context.Context // ends when the supervisor is to end
	cancel context.CancelFunc
	ended  chan struct{} // closed when run has returned
	kicked chan struct{} // holds one: something changed that run should look at

	mu             sync.Mutex
	changed        chan struct{}             // closed and replaced when something that calls wait for changed
	bin            *discovery.Binary         // what the next start runs
	withdrawn      error                     // why nothing of it may be started now; nil if it may
	rejected       string                    // checksum of a new binary that did not work
	configRefusal  *configRefusal            // for which it was rejected; nil for another reason
	configRefusals int                       // in a row
	replaceAt      time.Time                 // when a replacement that could not be started is tried again
	holds          int                       // how often calls were held in vain for a replacement
	standby        *standby                  // takes the calls again if proc ends soon; nil for none
	proc           *worker                   // the process that takes calls; nil if there is none
	info           *pluginv1.GetInfoResponse // what the process said of itself that became ready last
	draining       map[*worker]struct{}      // replaced processes, and those that are being stopped
	state          State
	closing        bool
	demand         int           // calls that wait for a process
	calls          int           // calls that were counted in
	quiet          chan struct{} // not nil when closing; closed when calls is 0
	failures       failureLog    // in a row
	retryAt        time.Time     // when the next start is tried
	lastErr        string
	startErr       error          // why the last start failed; nil once one succeeded
	restarts       int            // crashes so far
	drains         sync.WaitGroup // goroutines that probe, drain and stop processes
}

// newSupervisor starts the supervisor of a plugin, or of one tenant of it.
func newSupervisor(m *Manager, bin *discovery.Binary, scope string) *supervisor {
	s := makeSupervisor(m, bin, scope)
	s.attribution = newAttribution(s)
	go s.run()
	return s
}

// newCellSupervisor starts the supervisor of a cell. Its calls have their slots from the
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

// run starts, watches and replaces the process until the supervisor's ctx ends.
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
	s.finish()
}

// nextStart returns whether a process is needed, and how long to wait with its start. A
// process that could not be started is tried again whether or not anybody asks for it: a
// caller that was refused does not ask again, and wants to be told when the plugin is back.
func (s *supervisor) nextStart() (wait time.Duration, needed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.withdrawn != nil {
		return 0, false
	}
	return time.Until(s.retryAt), s.demand > 0 || s.active.Load() > 0 || s.isFailingLocked()
}

// isFailingLocked reports whether the plugin could not be started, or not be kept running.
// Locked: mu is held.
func (s *supervisor) isFailingLocked() bool {
	return s.state == Quarantined || s.state == Failed || s.state == Backoff && s.startErr != nil
}

// sleep returns when a process may be needed: somebody kicked, or the wait is over.
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

// kick wakes run, so that it checks again what is to be done. It does not wait.
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

// announceLocked wakes the calls that wait for a process. Locked: mu is held.
func (s *supervisor) announceLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// watch returns when p no longer takes calls, because it crashed or was replaced, or when
// the supervisor is to end.
func (s *supervisor) watch(p *worker) {
	for s.ctx.Err() == nil {
		if p.HasExited() {
			s.crashed(p)
			return
		}
		in, waits := s.replacementWaits(p)
		if waits && in <= 0 {
			if s.mayTryNew(p) && s.replace(p) {
				return
			}
			continue
		}
		s.await(p, in, waits)
	}
}

// await returns when something may have changed: p ended, somebody kicked, or the time in
// is over. Without timed there is no such time.
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

// cannotStart reports whether there is no process because its starts fail.
func (s *supervisor) cannotStart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && s.isFailingLocked()
}

// stateNow returns the state, and the id of the process that takes calls, 0 if there is
// none.
func (s *supervisor) stateNow() (State, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return s.state, 0
	}
	return s.state, s.proc.PID
}

// binary returns what runs, or what the next start will run.
func (s *supervisor) binary() *discovery.Binary {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		return s.proc.Binary
	}
	return s.bin
}

// unavailable returns the error of a call that gets no process.
func (s *supervisor) unavailable(format string, args ...any) *fault.Error {
	return fault.New(fault.PluginUnavailable, "the %s is not available: %s", s.ref, fmt.Sprintf(format, args...))
}

// isTrying reports whether the process is started again and again until it serves.
func (s *supervisor) isTrying() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && (s.isFailingLocked() || s.state == Starting)
}
