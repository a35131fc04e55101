package discovery

import (
	"os"
	"syscall"
)

// stamp identifies a state of a file. Two stamps of a file differ if the file may have
// changed in between. The kernel sets ctime, so a program that writes the file cannot set
// ctime back.
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
