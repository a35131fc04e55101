package api

import (
	"io"
	"net/http"
	"time"
)

const (
	// drained is how much of a body that nobody wants is read all the same, and
	// drainTimeout how long that may take: a caller that sends all of its request before
	// it reads would not see the answer otherwise.
	drained      = 1 << 20
	drainTimeout = time.Second
	// keptBody is a body that comes so soon that its connection can be kept.
	keptBody = 64 << 10
)

// closeUnread has a connection whose request was refused before its body was read end
// with the answer. It is called before the answer is written.
func closeUnread(w http.ResponseWriter, r *http.Request) {
	x, ok := w.(*exchange)
	if !ok || x.whole || r.ContentLength == 0 || x.status != 0 {
		return
	}
	if n := r.ContentLength; n > 0 && n <= keptBody && r.Header.Get("Expect") == "" {
		// The server reads it before it answers.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTimeout))
		return
	}
	w.Header().Set("Connection", "close")
	x.linger = r.Header.Get("Expect") == ""
}

// drain reads some of what is still coming of a refused request. Nothing is held for it.
func (x *exchange) drain(r *http.Request) {
	if !x.linger {
		return
	}
	c := http.NewResponseController(x)
	_ = c.Flush()
	_ = c.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, drained)
}

// noteWhole says that the body of the request was read to its end.
func noteWhole(w http.ResponseWriter) {
	if x, ok := w.(*exchange); ok {
		x.whole = true
	}
}
