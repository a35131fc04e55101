package api

import (
	"io"
	"net/http"
	"time"
)

const (
	// maxDrain bounds how much of an unwanted body is read all the same, and drainTimeout
	// how long. A caller that sends its whole request before it reads would not see the
	// answer otherwise.
	maxDrain     = 1 << 20
	drainTimeout = time.Second
	// maxKeptBody bounds an unwanted body after which the connection is kept open.
	maxKeptBody = 64 << 10
)

// closeIfUnread has the connection closed after the answer if the request is refused
// before its body was read. It must be called before the answer is written.
func closeIfUnread(w http.ResponseWriter, r *http.Request) {
	x, ok := w.(*exchange)
	if !ok || x.bodyRead || r.ContentLength == 0 || x.status != 0 {
		return
	}
	if n := r.ContentLength; n > 0 && n <= maxKeptBody && r.Header.Get("Expect") == "" {
		// Package net/http reads the rest before it answers.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTimeout))
		return
	}
	w.Header().Set("Connection", "close")
	x.linger = r.Header.Get("Expect") == ""
}

// drainBody reads and drops some of the body that a refused request is still sending.
func (x *exchange) drainBody(r *http.Request) {
	if !x.linger {
		return
	}
	c := http.NewResponseController(x)
	_ = c.Flush()
	_ = c.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
}

// markBodyRead records that the body of the request was read to its end.
func markBodyRead(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.bodyRead = true
	}
}
