package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the child has ended. It does not reap the child: until somebody
// does, its process id, which is its group's too, cannot be another's.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// hasEnded reports whether the child has ended, whether or not it was reaped.
func hasEnded(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return info.Signo != 0 || errors.Is(err, unix.ECHILD)
}
