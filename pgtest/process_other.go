//go:build !linux

package pgtest

import "syscall"

// attributes of a command that runs as the account, nil for the caller's own.
func attributes(as *account, _ bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		a.Credential = &syscall.Credential{Uid: as.uid, Gid: as.gid}
	}
	return a
}

// children are not looked for: they notice on their own that the server is gone.
func children(int) []int { return nil }

// forgetMemory leaves a few bytes behind.
func forgetMemory([]byte) {}
