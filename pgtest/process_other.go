//go:build !linux

package pgtest

import "syscall"

// attributes returns the attributes of a command that runs as the account; nil is the caller's.
func attributes(as *account) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// serverAttributes is attributes. Here a server does not end with this process.
func serverAttributes(as *account) *syscall.SysProcAttr { return attributes(as) }

// children returns none. They notice by themselves that the server has ended.
func children(int) []int { return nil }

// removeSharedMemory does nothing: a few bytes stay.
func removeSharedMemory([]byte) {}
