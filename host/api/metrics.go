package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/sdk/fault"
)

// Meter is a Host that counts what it does. Without it, or with a nil *metrics.Metrics,
// there is no page of metrics.
type Meter interface {
	Metrics() *metrics.Metrics
}

// metricsOf gives the host's metrics; nil for none.
func metricsOf(h Host) *metrics.Metrics {
	if m, ok := h.(Meter); ok {
		return m.Metrics()
	}
	return nil
}

// MetricsRoute is where the metrics are, on whatever address.
const MetricsRoute = "/metrics"

// showMetrics answers on the address of the API.
func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request) error {
	if address := s.host.Settings().Metrics.Listen; address != "" {
		return fault.New(fault.NotFound, "the metrics have an address of their own, metrics.listen = %q", address)
	}
	return s.writeMetrics(w, r)
}

func (s *Server) writeMetrics(w http.ResponseWriter, r *http.Request) error {
	if s.metrics == nil {
		return fault.New(fault.NotFound, "this host counts no metrics: metrics.enabled is false")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.writeTimeout))
	w.Header().Set("Cache-Control", "no-store")
	s.metrics.ServeHTTP(w, r)
	return nil
}

// ListenMetrics opens the address that metrics have for themselves; nil if they have
// none. Where auth.mode asks for no token it has to be a loopback address.
func (s *Server) ListenMetrics() (net.Listener, error) {
	address := s.host.Settings().Metrics.Listen
	if address == "" || s.metrics == nil {
		return nil, nil
	}
	open := Listen
	if s.keys != nil {
		open = listenAnywhere
	}
	l, err := open(address)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	if checkLoopback(l) != nil {
		s.log.Warn("the metrics are shown beyond this machine WITHOUT TLS: the admin token, which they ask for, can be read on the way", "metrics.listen", l.Addr().String())
	}
	return l, nil
}

// ServeMetrics answers with the metrics, and nothing else, on the listener, until Drain
// is done. On loopback no token is asked for; elsewhere the operator's is.
func (s *Server) ServeMetrics(l net.Listener) error {
	open := checkLoopback(l) == nil
	if !open && s.keys == nil {
		_ = l.Close()
		return checkLoopback(l)
	}
	s.metricsHTTP.Handler = s.metricsHandler(open)
	if err := s.metricsHTTP.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// metricsHandler serves the one route. With open, no token is asked for, and pages in
// browsers are kept out.
func (s *Server) metricsHandler(open bool) http.Handler {
	page := s.intake(MetricsRoute, route{answer: s.writeMetrics, class: scrapes})
	nothing := func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "there is nothing at %s: this address is for %s", clip(r.URL.Path), MetricsRoute)
	}
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{"GET " + MetricsRoute: page, "/": nothing} {
		if !open {
			h = s.admit(MetricsRoute, h)
		}
		mux.Handle(pattern, answering(h))
	}
	if open {
		return s.watch(guard(mux))
	}
	return s.watch(mux)
}
