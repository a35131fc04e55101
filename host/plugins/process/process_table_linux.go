package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is a process as /proc describes it. start is the start time, by which two processes
// with the same id differ.
type proc struct {
	pid, parent, group int
	zombie             bool
	start              string
}

// killSeen kills the process q. It does nothing if another process has the id of q now.
func killSeen(q proc) {
	fd, err := unix.PidfdOpen(q.pid, 0)
	if err != nil {
		if !errors.Is(err, unix.ESRCH) { // any other error means that the system has no pidfd
			_ = unix.Kill(q.pid, unix.SIGKILL)
		}
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if now, ok := processOf(q.pid); ok && now.start == q.start {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// processTable returns all processes in /proc, sorted by process id.
func processTable() []proc {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := dir.Readdirnames(-1)
	_ = dir.Close() // the folder was only read
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

// processOf parses /proc/PID/stat. The second field, the command name, may contain any
// character, so processOf counts the fields from the end of the command name.
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
