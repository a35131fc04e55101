package plugins

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// What a plugin started and left behind ends with it. Each plugin has a process group of its
// own, and all that it starts is in that group, unless it leaves the group. Then its parent
// ends, the system gives it to this process, and here it is found: this process has no other
// children than plugins. A group is enough: a session for each plugin would make Linux share
// the processor between sessions (sched_autogroup_enabled), which costs a turn a sixth of its
// processor time.

var (
	adopting  atomic.Bool // what loses its parent becomes this process's
	lastSweep atomic.Int64

	// running are the plugins' processes by id. births is held for reading while one is
	// being started: until it is among them, it looks like one that was left behind.
	births  sync.RWMutex
	running = map[int]*process{}
)

// AdoptOrphans has what plugins leave behind become children of this process, where it is
// found and killed when the plugin has ended, whatever it did. Without it, what leaves
// the plugin's process group goes on. It is for programs that start no other processes than
// plugins: another child would be killed.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("what plugins leave behind may outlive them: %w", err)
	}
	adopting.Store(true)
	return nil
}

// bear starts the process, and notes it.
func (p *process) bear(start func() error) error {
	births.RLock()
	defer births.RUnlock()
	if err := start(); err != nil {
		return err
	}
	runningMu.Lock()
	defer runningMu.Unlock()
	running[p.cmd.Process.Pid] = p
	return nil
}

var runningMu sync.Mutex // of running, among those that hold births for reading

// bury notes that the process was waited for.
func (p *process) bury() {
	births.Lock()
	defer births.Unlock()
	if running[p.pid] == p {
		delete(running, p.pid)
	}
}

// maxSweeps bounds how often it is looked for what a plugin left behind: what forks without end
// faster than it is killed is left to the next look.
const maxSweeps = 200

// killRest kills what the process, which has ended and was not waited for, left behind.
func (p *process) killRest() {
	empty := 0
	for range maxSweeps {
		n := sweepOrphans(p)
		if n == 0 {
			if empty++; empty == 2 { // what was born during one look is seen by the next
				return
			}
			continue
		}
		empty = 0
		time.Sleep(time.Millisecond)
	}
	p.log.Error("what the plugin left behind starts new processes faster than they are killed")
}

// sweepNow kills what was left behind and belongs to no plugin that runs, and takes in what
// has ended, unless that was done within the time.
func sweepNow(every time.Duration) {
	now, last := time.Now().UnixNano(), lastSweep.Load()
	if adopting.Load() && now-last >= int64(every) && lastSweep.CompareAndSwap(last, now) {
		sweepOrphans(nil)
	}
}

// proc is what the system says of a process.
type proc struct {
	pid, parent, group int
	zombie             bool
	start              string
}

// sweepOrphans kills, and answers how many, what the ended process left behind, and what
// belongs to no plugin that runs.
func sweepOrphans(ended *process) int {
	births.Lock()
	defer births.Unlock()
	self := os.Getpid()
	all := processes()
	doomed := map[int]bool{}
	for _, q := range all {
		if running[q.pid] != nil {
			continue
		}
		switch {
		case ended != nil && q.group == ended.pid:
			doomed[q.pid] = !q.zombie
		case !adopting.Load() || q.parent != self:
		case running[q.group] != nil && running[q.group] != ended:
			// A plugin that runs may leave what it started to itself.
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
			if doomed[q.parent] && !doomed[q.pid] && running[q.pid] == nil && !q.zombie {
				doomed[q.pid], grown = true, true
			}
		}
	}
	n := 0
	for _, q := range all {
		if doomed[q.pid] {
			n++
			killIf(q)
		}
	}
	return n
}

// belongsToOther reports whether the process has the environment of a plugin that runs, and
// that is not the ended one.
func belongsToOther(pid int, ended *process) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false
	}
	for setting := range bytes.SplitSeq(environ, []byte{0}) {
		if dir, ok := bytes.CutPrefix(setting, []byte("TMPDIR=")); ok {
			for _, p := range running {
				if p != ended && p.dir == string(dir) {
					return true
				}
			}
		}
	}
	return false
}

// killIf kills the process if it is still the one that was seen.
func killIf(q proc) {
	fd, err := unix.PidfdOpen(q.pid, 0)
	if err != nil {
		if !errors.Is(err, unix.ESRCH) { // the system has none
			_ = unix.Kill(q.pid, unix.SIGKILL)
		}
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if now, ok := processOf(q.pid); ok && now.start == q.start {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// processes lists all that can be seen.
func processes() []proc {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := dir.Readdirnames(-1)
	_ = dir.Close() // it was only read
	var out []proc
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if q, ok := processOf(pid); ok {
				out = append(out, q)
			}
		}
	}
	slices.SortFunc(out, func(a, b proc) int { return a.pid - b.pid })
	return out
}

// processOf reads /proc/PID/stat, whose second field, the name, may have anything in it.
func processOf(pid int) (proc, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return proc{}, false
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return proc{}, false
	}
	parent, _ := strconv.Atoi(fields[1])
	group, _ := strconv.Atoi(fields[2])
	return proc{pid: pid, parent: parent, group: group, zombie: fields[0] == "Z" || fields[0] == "X", start: fields[19]}, true
}
