//go:build !linux

package trust

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the user id of the owner. ok is false if the system does not provide an owner.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// isolated always reports false, because this package reads mounts on Linux only.
func isolated(string) bool { return false }

// unmapped always returns -1, because only Linux has user namespaces.
func unmapped() int { return -1 }
