package plugins

import (
	"errors"
	"math"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stamp tells whether a file may have changed. The change time is the kernel's:
// whoever writes the file cannot set it back.
type stamp struct {
	dev, ino, size uint64
	mtime, ctime   syscall.Timespec
}

func stampOf(info os.FileInfo) stamp {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{size: uint64(info.Size())}
	}
	return stamp{uint64(st.Dev), st.Ino, uint64(st.Size), st.Mtim, st.Ctim}
}

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
