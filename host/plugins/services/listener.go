package services

import (
	"net"
	"os"
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// listener accepts the connections of the plugin's processes. It closes all others before anything
// of them is read.
type listener struct {
	*net.UnixListener
	owns    func(pid int) bool
	refused func(reason string)

	mu   sync.Mutex
	open int // connections that are not closed yet
}

func listen(path string) (*listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close() // the error of Chmod says more
		return nil, err
	}
	return &listener{UnixListener: l}, nil
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if reason := l.admit(conn); reason != "" {
			_ = conn.Close() // nothing was written
			l.refused(reason)
			continue
		}
		return &counted{UnixConn: conn, l: l}, nil
	}
}

// admit counts the connection. If the connection is refused, it returns the reason.
func (l *listener) admit(conn *net.UnixConn) string {
	if !l.isOwn(conn) {
		return "a process that is not the plugin's connected to its socket"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= bounds.CallbackConnections {
		return "the plugin opened too many connections"
	}
	l.open++
	return ""
}

func (l *listener) isOwn(conn *net.UnixConn) bool {
	pid, uid, err := peerOf(conn)
	return err == nil && uid == os.Getuid() && l.owns(pid)
}

// counted is an accepted connection. Close ends its count once.
type counted struct {
	*net.UnixConn
	l    *listener
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		c.l.open--
	})
	return c.UnixConn.Close()
}
