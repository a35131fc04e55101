package discovery

import (
	"os"
	"syscall"
)

// stamp differs if a file may have changed. Its change time is the kernel's: whoever
// writes the file cannot set it back.
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
