package api

import (
	"context"
	"net"
	"syscall"

	"github.com/botyard/botyard/host/bounds"
)

// sendBuffer is how much the system keeps for a connection whose other end does not
// read. Left to itself it keeps megabytes, all of which a fast model fills before
// it is made to wait; and what was said to nobody is a part of the turn.
const sendBuffer = bounds.SendBuffer

// knowConnection is http.Server's ConnContext: it bounds the send buffer, and keeps the
// connection for [departures]. A TLS connection has another below.
func knowConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = b.SetWriteBuffer(sendBuffer) // it works without, too
	}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, raw)
		}
	}
	return ctx
}
