package api

import (
	"io"
	"net/http"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// maxKeptBody bounds an unwanted body after which the connection is kept open.
const maxKeptBody = 64 << 10

// closeIfUnread makes the server close the connection after the answer, if a request is refused
// before its body was read. A short body of a known length is read instead. It must be called before the answer is written.
func closeIfUnread(w http.ResponseWriter, r *http.Request) {
	x, ok := w.(*exchange)
	if !ok || x.bodyRead || r.ContentLength == 0 || x.status != 0 {
		return
	}
	if n := r.ContentLength; n > 0 && n <= maxKeptBody && r.Header.Get("Expect") == "" {
		// Package net/http reads the rest before it answers.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bounds.UnwantedBodyTime))
		return
	}
	w.Header().Set("Connection", "close")
	x.linger = r.Header.Get("Expect") == ""
}

// newDraining returns the semaphore that bounds how many unwanted bodies are drained at once.
func newDraining() chan struct{} { return make(chan struct{}, bounds.UnwantedBodies) }

// drainBody reads and drops some of the body that a refused request is still sending: a
// caller that sends its whole request before it reads would not see the answer otherwise.
// It does nothing if the server drains as many bodies as it may already: draining holds an
// element for each.
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
