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

// Orphans are processes that a plugin started and that outlived it. They are killed.
//
// Each plugin has a process group of its own, and all that it starts is in that group,
// unless it leaves the group. A process that left the group loses its parent at the latest
// when the plugin ends. Then the system makes it a child of this program, if AdoptOrphans
// was called, and it is found here: this program has no other children than plugins.
//
// A plugin has no session of its own, because Linux shares the processor between sessions
// (sched_autogroup_enabled). That would cost a turn a sixth of its processor time.

var (
	adopting  atomic.Bool // orphans become children of this program
	lastSweep atomic.Int64

	// trackingMu is held for reading from the start of a process until it is in tracked,
	// and for writing during a sweep: a process that is not in tracked yet looks like an
	// orphan. trackedMu is held while tracked is written by those that hold trackingMu for
	// reading. Order: trackingMu, trackedMu.
	trackingMu sync.RWMutex
	trackedMu  sync.Mutex
	tracked    = map[int]*Process{} // processes that are not orphans, by id
)

// AdoptOrphans makes this program the parent of all orphans of plugins. The program then
// kills them when the plugin has ended, even if they left the plugin's process group.
// Without AdoptOrphans, an orphan that left the group goes on. It is for programs that start
// no other processes than plugins: another child would be killed, unless Exempt started it.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("what plugins leave behind may outlive them: %w", err)
	}
	adopting.Store(true)
	return nil
}

// StopAdopting ends what AdoptOrphans began.
func StopAdopting() {
	adopting.Store(false)
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
}

// Exempt starts a command that is not a plugin and must not be killed as an orphan. The
// caller calls release after it has waited for the command.
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

// track starts the process and notes that it is not an orphan.
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

// untrack notes that the process was waited for.
func (p *Process) untrack() {
	trackingMu.Lock()
	defer trackingMu.Unlock()
	if tracked[p.PID] == p {
		delete(tracked, p.PID)
	}
}

// maxSweeps bounds the sweeps at the end of one plugin. Orphans that start new processes
// faster than they are killed are left to the next probe's sweep.
const maxSweeps = 200

// killOrphans kills the orphans of the process, which has ended and was not reaped.
func (p *Process) killOrphans() {
	empty := 0
	for range maxSweeps {
		n := sweepOrphans(p)
		if n == 0 {
			if empty++; empty == 2 { // a process that was born during one sweep is seen by the next
				return
			}
			continue
		}
		empty = 0
		time.Sleep(time.Millisecond)
	}
	p.Log.Error("what the plugin left behind starts new processes faster than they are killed")
}

// sweepOrphansEvery is SweepOrphans, unless the last one was less than that long ago.
func sweepOrphansEvery(every time.Duration) {
	now, last := time.Now().UnixNano(), lastSweep.Load()
	if adopting.Load() && now-last >= int64(every) && lastSweep.CompareAndSwap(last, now) {
		sweepOrphans(nil)
	}
}

// sweepOrphans kills the orphans of the ended process, which is nil for none, and those
// that belong to no running plugin, with all their children. It also reaps orphans that
// have ended. It returns how many it killed.
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
			// A running plugin may leave its children to themselves.
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

// belongsToOther reports whether the process has the environment of a running plugin other
// than the ended one. trackingMu is held.
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
