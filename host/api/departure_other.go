//go:build !linux

package api

import "syscall"

// hasHungUp knows nothing here: what net/http notices has to do.
func hasHungUp(syscall.RawConn) bool { return false }
