//go:build !linux

package trust

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the user id of the owner. ok is false if the system does not say.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// isolated reports false: mounts are known on Linux only.
func isolated(string) bool { return false }

// unmapped returns -1: there are no user namespaces.
func unmapped() int { return -1 }
