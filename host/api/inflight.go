package api

import (
	"net/http"
	"sync"
)

// inflightRequests counts running requests, so that a drain can wait for them. The zero value is
// ready to use. Its methods are safe for concurrent use.
type inflightRequests struct {
	mu     sync.Mutex
	count  int
	closed bool
	idle   chan struct{} // closed when the field closed is true and count is 0
}

// begin counts a request until the caller calls done. After close, begin returns an error.
func (f *inflightRequests) begin() (done func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errStopping()
	}
	f.count++
	return f.done, nil
}

func (f *inflightRequests) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	if f.closed && f.count == 0 {
		close(f.idle)
	}
}

// close makes begin refuse new requests. It returns a channel that is closed when all counted
// requests are done. It may be called more than once.
func (f *inflightRequests) close() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.idle
	}
	f.closed, f.idle = true, make(chan struct{})
	if f.count == 0 {
		close(f.idle)
	}
	return f.idle
}

// inFlight returns a handler that counts each request of h, from before the body is read until the
// response is written. The handler refuses requests while the host stops. It neither counts nor
// refuses probes.
func (s *Server) inFlight(pattern string, h handler) handler {
	if requiredCaller(pattern) == anyCaller {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		done, err := s.inflight.begin()
		if err != nil {
			return err
		}
		defer done()
		return h(w, r)
	}
}
