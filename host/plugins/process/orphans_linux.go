package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Orphans are processes that a plugin started and that outlived the plugin. The host kills
// them.
//
// Each plugin has its own process group. A process that a plugin starts belongs to this
// group, unless the process leaves the group. A process that left the group loses its
// parent when the plugin ends, or earlier. After AdoptOrphans was called, the system makes
// the process a child of the host. sweepOrphans finds it there, because all other children
// of the host are plugins.
//
// A plugin has no session of its own, because Linux divides processor time between sessions
// (sched_autogroup_enabled). Separate sessions would cost a turn a sixth of its processor
// time.

var (
	adopting  atomic.Bool // whether orphans become children of the host
	lastSweep atomic.Int64

	// trackingMu is held for reading while a process is started and added to tracked. It is
	// held for writing during a sweep, because a process that is not yet in tracked looks
	// like an orphan. A writer of tracked that holds trackingMu only for reading also holds
	// trackedMu. Order: trackingMu, trackedMu.
	trackingMu sync.RWMutex
	trackedMu  sync.Mutex
	tracked    = map[int]*Process{} // processes that are not orphans, by process id
)

// AdoptOrphans makes the host the parent of all orphans of plugins. The host then kills
// orphans after their plugin has ended, even if they left the plugin's process group.
// Without AdoptOrphans, an orphan that left the group continues to run. A program that
// calls AdoptOrphans must start no other processes than plugins, because they are killed
// too. Commands that Exempt starts are not killed.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("what plugins leave behind may outlive them: %w", err)
	}
	adopting.Store(true)
	return nil
}

// StopAdopting reverts AdoptOrphans.
func StopAdopting() {
	adopting.Store(false)
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
}

// Exempt starts a command that is not a plugin, and that the host must not kill as an
// orphan. The caller calls release after it has waited for the command.
func Exempt(cmd *exec.Cmd) (release func(), err error) {
	p := &Process{cmd: cmd}
	if err := p.track(cmd.Start); err != nil {
		return nil, err
	}
	p.PID = cmd.Process.Pid
	return p.untrack, nil
}

// SweepOrphans kills orphans that belong to no running plugin, and returns how many it
// killed.
func SweepOrphans() int { return sweepOrphans(nil) }

// track calls start, which starts the process, and adds the process to tracked.
func (p *Process) track(start func() error) error {
	trackingMu.RLock()
	defer trackingMu.RUnlock()
	if err := start(); err != nil {
		return err
	}
	trackedMu.Lock()
	defer trackedMu.Unlock()
	tracked[p.cmd.Process.Pid] = p
	return nil
}

// untrack removes the process from tracked. It is called after the process was reaped.
func (p *Process) untrack() {
	trackingMu.Lock()
	defer trackingMu.Unlock()
	if tracked[p.PID] == p {
		delete(tracked, p.PID)
	}
}

// maxSweeps limits the sweeps after the end of one plugin. If the orphans start new
// processes faster than the sweeps kill them, the sweeps of later probes kill the remaining
// processes.
const maxSweeps = 200

// killOrphans kills the orphans of the process. The process must have ended and must not be
// reaped.
func (p *Process) killOrphans() {
	empty := 0
	for range maxSweeps {
		n := sweepOrphans(p)
		if n == 0 {
			// two empty sweeps in a row: the second finds a process that was started during
			// the first
			if empty++; empty == 2 {
				return
			}
			continue
		}
		empty = 0
		time.Sleep(time.Millisecond)
	}
	p.Log.Error("what the plugin left behind starts new processes faster than they are killed")
}

// sweepOrphansEvery kills orphans that belong to no running plugin, if the last sweep was
// at least the duration every ago.
func sweepOrphansEvery(every time.Duration) {
	now, last := time.Now().UnixNano(), lastSweep.Load()
	if adopting.Load() && now-last >= int64(every) && lastSweep.CompareAndSwap(last, now) {
		sweepOrphans(nil)
	}
}

// sweepOrphans kills the orphans of the ended process and the orphans that belong to no
// running plugin, with all their children. ended is nil if no process has ended.
// sweepOrphans reaps orphans that have ended too. It returns how many processes it killed.
func sweepOrphans(ended *Process) int {
	trackingMu.Lock()
	defer trackingMu.Unlock()
	self := os.Getpid()
	all := processTable()
	doomed := map[int]bool{}
	for _, q := range all {
		if tracked[q.pid] != nil {
			continue
		}
		switch {
		case ended != nil && q.group == ended.PID:
			doomed[q.pid] = !q.zombie
		case !adopting.Load() || q.parent != self:
		case tracked[q.group] != nil && tracked[q.group] != ended:
			// The orphan is in the process group of a running plugin. The plugin may want
			// the orphan to run.
		case q.zombie:
		case !belongsToOther(q.pid, ended):
			doomed[q.pid] = true
		}
		if q.zombie && adopting.Load() && q.parent == self {
			_, _ = unix.Wait4(q.pid, nil, unix.WNOHANG, nil)
		}
	}
	for grown := true; grown; {
		grown = false
		for _, q := range all {
			if doomed[q.parent] && !doomed[q.pid] && tracked[q.pid] == nil && !q.zombie {
				doomed[q.pid], grown = true, true
			}
		}
	}
	n := 0
	for _, q := range all {
		if doomed[q.pid] {
			n++
			killSeen(q)
		}
	}
	return n
}

// belongsToOther reports whether the process has the TMPDIR of a running plugin other than
// ended. The caller holds trackingMu.
func belongsToOther(pid int, ended *Process) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	for setting := range bytes.SplitSeq(environ, []byte{0}) {
		if dir, ok := bytes.CutPrefix(setting, []byte("TMPDIR=")); ok {
			for _, p := range tracked {
				if p != ended && p.Dir == string(dir) {
					return true
				}
			}
		}
	}
	return false
}
