package api

import (
	"context"
	"net"
	"syscall"

	"github.com/botyard/botyard/host/bounds"
)

// sendBuffer is how many bytes the system buffers for a connection whose other end does
// not read. By default it buffers megabytes. A fast model would fill them before it has to
// wait, and all of that text, which nobody read, would be part of the turn.
const sendBuffer = bounds.SendBuffer

// prepareConnection sets the size of the send buffer, and keeps the connection in the
// context for [disconnects]. Of a TLS connection it takes the one below.
func prepareConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = b.SetWriteBuffer(sendBuffer) // not needed, only better
	}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, raw)
		}
	}
	return ctx
}
