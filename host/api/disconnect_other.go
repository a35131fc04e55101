//go:build !linux

package api

import "syscall"

// hasHungUp always reports false on this system, where only net/http notices disconnects.
func hasHungUp(syscall.RawConn) bool { return false }

// sentAhead always returns 0 on this system, which does not report the number of unread bytes.
func sentAhead(syscall.RawConn) int { return 0 }
