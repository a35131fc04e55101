//go:build !linux

package api

import "syscall"

// hasHungUp knows nothing here: what net/http notices has to do.
func hasHungUp(syscall.RawConn) bool { return false }

// sentAhead is not known here.
func sentAhead(syscall.RawConn) int { return 0 }
