package api

import (
	"net/http"
	"sync"
)

// inflightRequests counts the requests that are being handled, so that a drain can wait
// for them. The zero value is ready. Its methods may be called concurrently.
type inflightRequests struct {
	mu     sync.Mutex
	count  int
	closed bool
	idle   chan struct{} // closed when closed is set and count is zero
}

// begin counts a request until done is called. After close it returns an error.
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

// close refuses new requests from now on. It returns a channel that is closed when none
// is left. It may be called again.
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

// inFlight returns a handler that counts the requests of h while they are handled: from
// before the body is read until the answer is written. While the host stops it refuses
// them. Probes are neither counted nor refused.
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
