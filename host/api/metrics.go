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

// Meter is a Host with metrics. If the Host is not a Meter, or Metrics returns nil, the server has
// no metrics page.
type Meter interface {
	Metrics() *metrics.Metrics
}

// metricsOf returns the metrics of the host, or nil.
func metricsOf(h Host) *metrics.Metrics {
	if m, ok := h.(Meter); ok {
		return m.Metrics()
	}
	return nil
}

// MetricsRoute is the path of the metrics page, both on the address of the API and on
// metrics.listen.
const MetricsRoute = "/metrics"

// showMetrics serves the metrics page on the address of the API. It returns an error if
// metrics.listen is set.
func (s *Server) showMetrics(w http.ResponseWriter, r *http.Request) error {
	if address := s.host.Settings().Metrics.Listen; address != "" {
		return fault.New(fault.NotFound, "the metrics have an address of their own, metrics.listen = %q", address)
	}
	return s.writeMetrics(w, r)
}

// writeMetrics writes the metrics page in the format of Prometheus.
func (s *Server) writeMetrics(w http.ResponseWriter, r *http.Request) error {
	if s.metrics == nil {
		return fault.New(fault.NotFound, "this host counts no metrics: metrics.enabled is false")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.writeTimeout))
	w.Header().Set("Cache-Control", "no-store")
	s.metrics.ServeHTTP(w, r)
	return nil
}

// ListenMetrics opens a listener on the address metrics.listen, or returns nil if the key is not
// set. If auth.mode is "none", the address must be a loopback address.
func (s *Server) ListenMetrics() (net.Listener, error) {
	address := s.host.Settings().Metrics.Listen
	if address == "" || s.metrics == nil {
		return nil, nil
	}
	open := Listen
	if s.tokens != nil {
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

// ServeMetrics serves only the metrics page on the listener, until Drain has finished. It requires
// the operator's token, except on loopback.
func (s *Server) ServeMetrics(l net.Listener) error {
	err := checkLoopback(l)
	switch {
	case err == nil:
		s.metricsHTTP.Handler = s.middleware(refuseForeignOrigins(s.metricsMux(func(h handler) handler { return h })))
	case s.tokens == nil:
		_ = l.Close()
		return err
	default:
		s.metricsHTTP.Handler = s.middleware(s.metricsMux(func(h handler) handler { return s.authorize(MetricsRoute, h) }))
	}
	if err := s.metricsHTTP.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// metricsMux returns a handler that serves only MetricsRoute. It applies protect to every handler.
func (s *Server) metricsMux(protect func(handler) handler) http.Handler {
	ro := route{handle: s.writeMetrics, slots: scrapeSlots}
	notFound := func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "there is nothing at %s: this address is for %s", clip(r.URL.Path), MetricsRoute)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+MetricsRoute, toHandler(protect(ro.validated(MetricsRoute, s.limited(MetricsRoute, ro.slots, ro.handle)))))
	mux.Handle("/", toHandler(protect(notFound)))
	return mux
}
