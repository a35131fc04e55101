package api

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hasHungUp reports whether the other end has closed the connection, or the side that it
// sends on, or broken it. Bytes that arrived before and were not read do not matter.
func hasHungUp(c syscall.RawConn) bool {
	gone := false
	_ = c.Control(func(fd uintptr) { // it fails for a connection that this end has closed: its request ends by itself
		asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(asked, 0)
		gone = err == nil && n > 0 && asked[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone
}

// sentAhead returns how many bytes have arrived on the connection and were not read.
func sentAhead(c syscall.RawConn) (bytes int) {
	_ = c.Control(func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ); err == nil {
			bytes = n
		}
	})
	return bytes
}
