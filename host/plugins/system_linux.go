package plugins

import (
	"errors"
	"math"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the child has ended, and leaves it to be waited for: so
// long, its process id, which is its group's too, cannot be another's.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// isOver reports whether the child has ended, whether or not it was waited for.
func isOver(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return info.Signo != 0 || errors.Is(err, unix.ECHILD)
}

// sealRange marks all descriptors from 3 on at once; kernels before 5.11 cannot.
func sealRange() error { return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }
