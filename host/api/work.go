package api

import (
	"net/http"
	"sync"
)

// work counts the requests at work. The zero value is ready.
type work struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed when closed and none is running
}

// enter admits a request, until close.
func (w *work) enter() (leave func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, errStopping()
	}
	w.running++
	return w.leave, nil
}

func (w *work) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.closed && w.running == 0 {
		close(w.idle)
	}
}

// close admits no more, and gives what is closed once none is left.
func (w *work) close() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.idle
	}
	w.closed, w.idle = true, make(chan struct{})
	if w.running == 0 {
		close(w.idle)
	}
	return w.idle
}

// atWork counts the requests of a route, each from before anything is read of it to
// the end of its answer, and refuses those that come when the host stops. Probes are no
// work, and are answered to the end.
func (s *Server) atWork(pattern string, h handler) handler {
	if accessOf(pattern) == forAnybody {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		leave, err := s.work.enter()
		if err != nil {
			return err
		}
		defer leave()
		return h(w, r)
	}
}
