package pgstore

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// trackedConn is a connection that counts its writes and calls registered functions when it is
// closed.
type trackedConn struct {
	net.Conn
	writes   atomic.Int64
	exceeded atomic.Pointer[error] // the fault for the bound that the server has exceeded, or nil
	mu       sync.Mutex
	closed   bool
	atClose  []func()
}

// Write implements [net.Conn].
func (c *trackedConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

// trackDials returns a function that calls dial and returns the connection as a trackedConn.
func trackDials(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &trackedConn{Conn: c}, nil
	}
}

// endCause returns the fault for a bound that the server has exceeded on the connection. If the
// server has exceeded none, endCause returns err. The driver may have reported the exceeded bound
// only as a closed connection.
func endCause(conn *pgconn.PgConn, err error) error {
	c := conn.Conn()
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if ours, ok := c.(*trackedConn); ok && err != nil {
		if exceeded := ours.exceeded.Load(); exceeded != nil {
			return *exceeded
		}
	}
	return err
}

// onClose registers f, which Close calls. If the connection is already closed, onClose calls f at
// once.
func (c *trackedConn) onClose(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		f()
		return
	}
	c.atClose = append(c.atClose, f)
}

// Close implements [net.Conn].
func (c *trackedConn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, f := range c.atClose {
		f()
	}
	c.atClose = nil
	return err
}
