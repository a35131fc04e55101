package api

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hasHungUp reports whether the peer has closed the connection or its sending side, or whether the
// connection is broken. Unread bytes on the connection do not change the result.
func hasHungUp(c syscall.RawConn) bool {
	gone := false
	_ = c.Control(func(fd uintptr) { // Control fails if the server has closed the connection, and then net/http ends the request
		asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(asked, 0)
		gone = err == nil && n > 0 && asked[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone
}

// sentAhead returns the number of unread bytes that have arrived on the connection.
func sentAhead(c syscall.RawConn) (bytes int) {
	_ = c.Control(func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ); err == nil {
			bytes = n
		}
	})
	return bytes
}
