package api

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// connections limits the connections of a listener. When the limit is reached, a new connection
// closes the connection that has been idle for the longest time. If no connection is idle, the new
// connection is a spare, which serves only probes and requests of operators. When there are too
// many spares, a new spare closes the oldest spare.
//
// Its methods are safe for concurrent use.
type connections struct {
	most func() int // returns the maximum number of connections without spares

	mu     sync.Mutex
	open   map[net.Conn]*connection
	idle   list.List // *connection values without a request, the longest idle first
	spares list.List // *connection values of spares, oldest first
}

// connection is one open connection.
type connection struct {
	net.Conn
	idle, spare *list.Element // the elements in the lists connections.idle and connections.spares; nil if the list does not have the connection
}

type connectionsKey struct{}

// retryConnections is the Retry-After of a refused request on a spare connection.
const retryConnections = 5 * time.Second

// add adds an accepted connection before any byte is read from it. It is the ConnContext of
// http.Server.
func (cs *connections) add(ctx context.Context, c net.Conn) context.Context {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = map[net.Conn]*connection{}
	}
	one := &connection{Conn: c}
	if len(cs.open) >= cs.most() && !cs.closeOldestLocked(&cs.idle) {
		if cs.spares.Len() >= bounds.SpareConnections {
			cs.closeOldestLocked(&cs.spares)
		}
		one.spare = cs.spares.PushBack(one)
	}
	cs.open[c] = one
	return context.WithValue(ctx, connectionsKey{}, one)
}

// closeOldestLocked closes the first connection of the list. It reports false if the list is empty.
// Locked: mu is held.
func (cs *connections) closeOldestLocked(l *list.List) bool {
	first := l.Front()
	if first == nil {
		return false
	}
	one := first.Value.(*connection)
	cs.removeLocked(one)
	c := one.Conn
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn() // closing the TCP connection skips the closing message of TLS, which could block
	}
	_ = c.Close()
	return true
}

// removeLocked removes a connection from the map and the lists. Locked: mu is held.
func (cs *connections) removeLocked(one *connection) {
	delete(cs.open, one.Conn)
	if one.idle != nil {
		cs.idle.Remove(one.idle)
		one.idle = nil
	}
	if one.spare != nil {
		cs.spares.Remove(one.spare)
		one.spare = nil
	}
}

// stateChanged is the ConnState of http.Server.
func (cs *connections) stateChanged(c net.Conn, state http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	one := cs.open[c]
	switch {
	case one == nil: // closeOldestLocked has closed the connection
	case state == http.StateClosed || state == http.StateHijacked:
		cs.removeLocked(one)
	case state == http.StateIdle && one.idle == nil && one.spare == nil:
		one.idle = cs.idle.PushBack(one)
	case state == http.StateActive && one.idle != nil:
		cs.idle.Remove(one.idle)
		one.idle = nil
	}
}

// checkSpare refuses a request on a spare connection. If fewer connections are open than the limit
// allows, the spare becomes an ordinary connection and the request is accepted.
func (cs *connections) checkSpare(r *http.Request) error {
	one, ok := r.Context().Value(connectionsKey{}).(*connection)
	if !ok {
		return nil
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	switch {
	case one.spare == nil:
		return nil
	case len(cs.open)-cs.spares.Len() < cs.most():
		cs.spares.Remove(one.spare)
		one.spare = nil
		return nil
	}
	return fault.New(fault.RateLimited, "the host has %d connections, the most that it may have; come again when some are closed, or have the operator raise http.connections", cs.most()).
		By(fault.PartyCaller).After(retryConnections)
}

// count returns the number of open connections.
func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}
