package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the child process pid has ended. It does not reap the child. Until
// the child is reaped, the system gives its id, which is also the id of its process group,
// to no other process.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// hasEnded reports whether the child process pid has ended, reaped or not.
func hasEnded(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return info.Signo != 0 || errors.Is(err, unix.ECHILD)
}
