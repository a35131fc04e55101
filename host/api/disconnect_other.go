//go:build !linux

package api

import "syscall"

// hasHungUp reports nothing on this system: disconnects are those that net/http notices.
func hasHungUp(syscall.RawConn) bool { return false }

// sentAhead returns 0 on this system, where the number is not known.
func sentAhead(syscall.RawConn) int { return 0 }
