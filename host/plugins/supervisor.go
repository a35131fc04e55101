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
// starts and stops processes, and calls wait for its results. The documentation of the
// package lists the states and their transitions.
type supervisor struct {
	m          *Manager
	ref        discovery.Ref
	scope      string // the tenant, if the plugin is isolated by tenant
	queue      *admission.Queue
	log        hclog.Logger
	crashLoops *admission.CrashLoops

	totals *totals // the plugin's counters, which all its supervisors share

	// attribution finds the tenants that crash the process. It is nil in the supervisor of
	// a cell.
	attribution *attribution
	// parent and cell are set only in the supervisor of a cell. parent is the plugin's
	// supervisor, and cell is the group of suspects that this process works for.
	parent *supervisor
	cell   *cell

	settings atomic.Pointer[config.PluginSettings] // the operator's current settings

	users  atomic.Int32 // instances that are not released, and pending requests for the schema
	active atomic.Int32 // instances with a holder

	ctx    context.Context // ends when the supervisor is to stop
	cancel context.CancelFunc
	ended  chan struct{} // closed when run has returned
	kicked chan struct{} // holds one value if run must check the fields below again

	mu             sync.Mutex
	changed        chan struct{}             // closed and replaced when a waiting call must check again
	bin            *discovery.Binary         // the binary that the next start runs
	withdrawn      error                     // why the plugin must not be started now; nil if it may be
	rejected       string                    // the checksum of a new binary that failed
	configRefusal  *configRefusal            // why rejected failed, if it refused a configuration; otherwise nil
	configRefusals int                       // how many new binaries in a row refused a configuration
	replaceAt      time.Time                 // when a failed replacement is tried again
	holds          int                       // how often calls were held without success for a replacement
	standby        *standby                  // the predecessor of proc, which takes over if proc ends soon; or nil
	proc           *worker                   // the process that takes calls; nil if there is none
	info           *pluginv1.GetInfoResponse // the answer to GetInfo of the newest ready process
	draining       map[*worker]struct{}      // replaced processes and processes that are being stopped
	state          State
	closing        bool
	demand         int           // the number of calls that wait for a process
	calls          int           // the number of calls between countIn and countOut
	quiet          chan struct{} // nil until closing; closed when calls is 0
	failures       failureLog    // the failures in a row
	retryAt        time.Time     // when the next start is tried
	lastErr        string
	notedAt        time.Time      // when noteFault last wrote to the log
	startErr       error          // why the last start failed; nil after a successful start
	restarts       int            // the number of crashes so far
	drains         sync.WaitGroup // goroutines that probe, drain and stop processes
}

// newSupervisor starts the supervisor of a plugin. scope is the tenant if the plugin is
// isolated by tenant, and otherwise empty.
func newSupervisor(m *Manager, bin *discovery.Binary, scope string) *supervisor {
	s := makeSupervisor(m, bin, scope)
	s.attribution = newAttribution(s)
	go s.run()
	return s
}

// newCellSupervisor starts the supervisor of the cell c. Calls of a cell use the slots of
// the parent's queue.
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

// nextStart reports whether a process is needed, and how long to wait before its start. A
// process that failed to start is needed even if no call waits for it. A refused caller
// does not call again, but a listener of Changes must learn when the plugin works again.
func (s *supervisor) nextStart() (wait time.Duration, needed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.withdrawn != nil {
		return 0, false
	}
	return time.Until(s.retryAt), s.demand > 0 || s.active.Load() > 0 || s.isFailingLocked()
}

// isFailingLocked reports whether the plugin could not be started or kept running. Locked:
// mu is held.
func (s *supervisor) isFailingLocked() bool {
	return s.state == Quarantined || s.state == Failed || s.state == Backoff && s.startErr != nil
}

// sleep waits until kick is called, the supervisor's ctx ends, or the duration wait is
// over. If needed is false, sleep has no time limit.
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

// kick wakes run, so that run checks again what it has to do. kick does not wait.
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

// watch returns when p no longer takes calls, because p crashed or was replaced, or when
// the supervisor is to stop.
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

// await waits until p has ended, kick is called, the supervisor's ctx ends, or the duration
// in is over. If timed is false, await has no time limit.
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

// cannotStart reports whether the supervisor has no process because its starts fail.
func (s *supervisor) cannotStart() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && s.isFailingLocked()
}

// stateNow returns the state, and the id of the process that takes calls. The id is 0 if
// there is no such process.
func (s *supervisor) stateNow() (State, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return s.state, 0
	}
	return s.state, s.proc.PID
}

// binary returns the running binary. Without a process, it returns the binary that the next
// start will run.
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

// isTrying reports whether the supervisor repeats the start of the process until the
// process serves.
func (s *supervisor) isTrying() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc == nil && (s.isFailingLocked() || s.state == Starting)
}
