package api

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hasHungUp says whether the other end of a connection has closed it, at least the side
// that it sends on, or broken it. What came before and was not read does not matter.
func hasHungUp(c syscall.RawConn) bool {
	gone := false
	_ = c.Control(func(fd uintptr) { // of a connection that is closed here: its request ends by itself
		asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(asked, 0)
		gone = err == nil && n > 0 && asked[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone
}

// sentAhead is how many bytes have come on a connection that nobody has read.
func sentAhead(c syscall.RawConn) (bytes int) {
	_ = c.Control(func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ); err == nil {
			bytes = n
		}
	})
	return bytes
}
