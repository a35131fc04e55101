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

// proc is one process as /proc describes it. A later process with the same id has another
// start.
type proc struct {
	pid, parent, group int
	zombie             bool
	start              string
}

// killSeen kills the process, unless its id is another's by now.
func killSeen(q proc) {
	fd, err := unix.PidfdOpen(q.pid, 0)
	if err != nil {
		if !errors.Is(err, unix.ESRCH) { // the system has no pidfd
			_ = unix.Kill(q.pid, unix.SIGKILL)
		}
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if now, ok := processOf(q.pid); ok && now.start == q.start {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// processTable returns all processes that can be seen, by id.
func processTable() []proc {
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

// processOf reads /proc/PID/stat. Its second field, the name, may contain any character,
// so the fields are counted from the end of the name.
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
