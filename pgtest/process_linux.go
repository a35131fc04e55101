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

// attributes returns the attributes of a command that runs as the account; nil is the caller's.
func attributes(as *account) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt does not reach it
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// serverAttributes is attributes for a server, which gets SIGQUIT when this process ends. That
// makes PostgreSQL and PgBouncer end at once, with their children.
func serverAttributes(as *account) *syscall.SysProcAttr {
	a := attributes(as)
	a.Pdeathsig = syscall.SIGQUIT
	return a
}

// children returns the child processes. PostgreSQL's backends leave its process group.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// pid (name, which may have spaces) state ppid ...
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

// removeSharedMemory removes the System V segment that a killed server left, named on the
// seventh line of its postmaster.pid.
func removeSharedMemory(pidFile []byte) {
	lines := strings.Split(string(pidFile), "\n")
	if len(lines) < 7 {
		return
	}
	var key, id uintptr
	if n, _ := fmt.Sscan(lines[6], &key, &id); n == 2 {
		const remove = 0 // IPC_RMID
		// A segment that is in use or gone stays as it is.
		_, _, _ = syscall.Syscall(syscall.SYS_SHMCTL, id, remove, 0)
	}
}
