package api

import (
	"context"
	"net"
)

// sendBuffer is how much the system keeps for a connection whose other end does not
// read. Left to itself it keeps megabytes, all of which a fast model fills before
// it is made to wait; and what was said to nobody is a part of the turn.
const sendBuffer = 128 << 10

// boundSendBuffer is http.Server's ConnContext. A TLS connection has another below.
func boundSendBuffer(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = b.SetWriteBuffer(sendBuffer) // it works without, too
	}
	return ctx
}
