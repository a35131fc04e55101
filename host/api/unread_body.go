package api

import (
	"io"
	"net/http"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// maxKeptBody is the maximum size in bytes of an unread body after which the server keeps the
// connection open.
const maxKeptBody = 64 << 10

// closeIfUnread prepares the response to a request that is refused before its body was read. If the
// body is short and has a known length, net/http reads the body and the connection stays open.
// Otherwise the server closes the connection after the response. closeIfUnread must be called
// before the response is written.
func closeIfUnread(w http.ResponseWriter, r *http.Request) {
	x, ok := w.(*exchange)
	if !ok || x.bodyRead || r.ContentLength == 0 || x.status != 0 {
		return
	}
	if n := r.ContentLength; n > 0 && n <= maxKeptBody && r.Header.Get("Expect") == "" {
		// Package net/http reads the rest of the body before it writes the response.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bounds.UnwantedBodyTime))
		return
	}
	w.Header().Set("Connection", "close")
	x.linger = r.Header.Get("Expect") == ""
}

// newDraining returns the semaphore that limits how many unread bodies drainBody reads at once.
func newDraining() chan struct{} { return make(chan struct{}, bounds.UnwantedBodies) }

// drainBody reads and drops a part of the body that a refused request is still sending. Without it,
// a caller that sends its whole request before it reads would not see the response. drainBody does
// nothing if the semaphore draining is full.
func (x *exchange) drainBody(r *http.Request, draining chan struct{}) {
	if !x.linger {
		return
	}
	c := http.NewResponseController(x)
	_ = c.Flush()
	select {
	case draining <- struct{}{}:
		defer func() { <-draining }()
	default:
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(bounds.UnwantedBodyTime))
	_, _ = io.CopyN(io.Discard, r.Body, bounds.UnwantedBodyBytes)
}

// markBodyRead records that the body of the request was read to its end.
func markBodyRead(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.bodyRead = true
	}
}
