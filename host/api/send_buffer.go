package api

import (
	"context"
	"net"
	"syscall"

	"github.com/botyard/botyard/host/bounds"
)

// sendBuffer is how many bytes the operating system buffers for a connection whose client does not
// read. The default of the system is several megabytes. A fast model would fill the default buffer
// before the host slows the model down, and the turn would contain text that the client never read.
const sendBuffer = bounds.SendBuffer

// prepareConnection sets the size of the send buffer, and stores the connection in the context for
// [disconnects]. For a TLS connection it uses the TCP connection below.
func prepareConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn()
	}
	if b, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		_ = b.SetWriteBuffer(sendBuffer) // the server also works with the default buffer
	}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return context.WithValue(ctx, connectionKey{}, raw)
		}
	}
	return ctx
}
