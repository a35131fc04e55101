//go:build !linux

package pgtest

import "syscall"

// attributes returns the process attributes of a command that runs under the account. If as is nil, the
// command runs under the account of this process.
func attributes(as *account) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// serverAttributes returns attributes(as). Only Linux can stop a server when this process ends.
func serverAttributes(as *account) *syscall.SysProcAttr { return attributes(as) }

// children returns nil. On systems other than Linux, the children of a killed server stop by themselves a
// little later.
func children(int) []int { return nil }

// removeSharedMemory does nothing. A killed server leaves a few bytes of shared memory.
func removeSharedMemory([]byte) {}
