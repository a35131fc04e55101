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

// connections bounds those of a listener. When there are too many, one that has no
// request gives way to a new one. Where there is none, a new one is a spare: on it
// probes and admins are answered, and nobody else. Of spares the oldest gives way.
type connections struct {
	most func() int

	mu     sync.Mutex
	open   map[net.Conn]*connection
	idle   list.List // of *connection, oldest first: have no request
	spares list.List // of *connection, oldest first
}

// connection is one of them.
type connection struct {
	net.Conn
	idle, spare *list.Element // in the lists; nil if it is not there
}

type connectionsKey struct{}

// retryConnections is when a caller may come again that found no connection.
const retryConnections = 5 * time.Second

// add takes a connection that was accepted. It is called before anything is read.
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

// closeOldestLocked closes the first connection of a list; false if it has none.
func (cs *connections) closeOldestLocked(l *list.List) bool {
	first := l.Front()
	if first == nil {
		return false
	}
	one := first.Value.(*connection)
	cs.removeLocked(one)
	c := one.Conn
	if over, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = over.NetConn() // whose end nobody has to be told
	}
	_ = c.Close()
	return true
}

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

// changed is http.Server's ConnState.
func (cs *connections) changed(c net.Conn, state http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	one := cs.open[c]
	switch {
	case one == nil: // it gave way
	case state == http.StateClosed || state == http.StateHijacked:
		cs.removeLocked(one)
	case state == http.StateIdle && one.idle == nil && one.spare == nil:
		one.idle = cs.idle.PushBack(one)
	case state == http.StateActive && one.idle != nil:
		cs.idle.Remove(one.idle)
		one.idle = nil
	}
}

// checkSpare refuses a request that came on a spare connection, if there are still too
// many others.
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

// count is how many connections there are.
func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}
