package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// attributes returns the process attributes of a command that runs under the account. If as is nil, the
// command runs under the account of this process.
func attributes(as *account) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true} // its own process group, so that Ctrl-C in a terminal does not reach the command
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// serverAttributes returns the process attributes of a server that runs under the account. The kernel
// sends the server SIGQUIT when this process ends. PostgreSQL and PgBouncer then stop at once, with their
// children.
func serverAttributes(as *account) *syscall.SysProcAttr {
	a := attributes(as)
	a.Pdeathsig = syscall.SIGQUIT
	return a
}

// children returns the ids of the child processes of pid. PostgreSQL's backends have process groups of
// their own, so a signal to the server's group would miss them.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process ended meanwhile
		}
		// The format is: pid (name) state ppid ... The name may contain spaces and parentheses.
		rest := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(rest) < 2 || rest[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			found = append(found, child)
		}
	}
	return found
}

// removeSharedMemory removes the System V shared memory segment of a killed server. The seventh line of
// the server's file postmaster.pid names the segment.
func removeSharedMemory(pidFile []byte) {
	lines := strings.Split(string(pidFile), "\n")
	if len(lines) < 7 {
		return
	}
	var key, id uintptr
	if n, _ := fmt.Sscan(lines[6], &key, &id); n == 2 {
		const remove = 0 // IPC_RMID of <sys/ipc.h>
		// The kernel keeps a segment that is in use until its last process detaches. Errors are ignored,
		// because the segment may be gone.
		_, _, _ = syscall.Syscall(syscall.SYS_SHMCTL, id, remove, 0)
	}
}
