package api

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// Options change how a Server serves. The zero value is ready to use.
type Options struct {
	Log hclog.Logger // nil discards

	keepalive    time.Duration // time between two keepalive comments of a stream
	writeTimeout time.Duration // how long a reader may make no progress
}

// Host is the host that a Server serves: a *host.Host, or another type with the same parts, for
// example one whose bots have no plugin processes. Optional interfaces add to it:
// TokenSource, Archiver, Meter, Reloader and FileFollower.
type Host interface {
	Settings() config.Settings
	Registry() *registry.Registry
	Plugins() *plugins.Manager
}

var _ Host = (*host.Host)(nil)

// Server serves one host over HTTP. Call Serve, then Drain, then close the host.
type Server struct {
	host Host
	log  hclog.Logger
	http *http.Server

	metrics     *metrics.Metrics // nil for none
	metricsHTTP *http.Server     // on the metrics' own address

	keepalive    time.Duration
	writeTimeout time.Duration

	tokens      *tokenCache // nil: no token is asked for
	limits      *requestLimits
	connections connections
	inflight    inflightRequests
	draining    chan struct{}  // see exchange.drainBody
	settings    *fairshare.Cap // requests about settings of tenants
	withdrawn   atomic.Bool    // /readyz fails
	disconnects disconnects
	cancel      context.CancelCauseFunc // ends the contexts of all requests
}

// New returns a server for the host. The caller keeps the host and closes it after Drain.
func New(h Host, o Options) *Server {
	s := &Server{host: h, log: o.Log, settings: newSettingsRequests(), keepalive: o.keepalive, writeTimeout: o.writeTimeout, metrics: metricsOf(h), limits: newRequestLimits(h)}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	if s.keepalive == 0 {
		s.keepalive = 15 * time.Second
	}
	if s.writeTimeout == 0 {
		s.writeTimeout = bounds.Stall
	}
	if h.Settings().Auth.Mode == config.AuthToken {
		s.tokens = newTokenCache(h, s.log)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http, s.metricsHTTP = s.newHTTP(ctx, &s.connections), s.newHTTP(ctx, &connections{})
	s.http.Handler = s.Handler()
	return s
}

// newHTTP returns an HTTP server whose connections are those of cs, and whose requests end
// with ctx.
func (s *Server) newHTTP(ctx context.Context, cs *connections) *http.Server {
	h := s.host
	cs.most = func() int { return cmp.Or(h.Settings().HTTP.Connections, bounds.DefaultConnections) }
	return &http.Server{
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return cs.add(prepareConnection(ctx, c), c) },
		ConnState:         cs.stateChanged,
		ReadHeaderTimeout: bounds.HeaderTimeout,
		IdleTimeout:       bounds.IdleTimeout,
		MaxHeaderBytes:    bounds.HeaderBytes,
		ErrorLog:          s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// Handler returns the handler that Serve serves, for callers with a listener of their own.
// If auth.mode is "none" that listener has to be on loopback.
func (s *Server) Handler() http.Handler {
	all := s.newRouter(s.routes())
	if s.tokens == nil {
		// With tokens this check is not needed, because a browser adds no token by itself.
		// It would also refuse a gateway, which may have any name.
		all = refuseForeignOrigins(all)
	}
	return s.middleware(all)
}

// Serve serves the listener until Drain, and then returns nil. If auth.mode is "none" it
// refuses a listener that is not on loopback.
func (s *Server) Serve(l net.Listener) error {
	if s.tokens == nil {
		if err := checkLoopback(l); err != nil {
			return err
		}
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Withdraw makes /readyz fail from now on. All other routes are served as before, so that a load
// balancer has time to notice.
func (s *Server) Withdraw() { s.withdrawn.Store(true) }

// CutOffGrace is the time that requests get after they were cut off. Turns use it to
// record that they were interrupted.
const CutOffGrace = 5 * time.Second

// Drain ends serving. /readyz fails and new requests are refused from now on; the
// listener stays open, so that callers can see it. Requests in flight go on until ctx
// ends. Then their contexts are canceled, and they are answered. Drain returns at the
// latest [CutOffGrace] after the end of ctx. No request is running then, unless one hangs
// and does not react to its context, and the host can be closed. The error is the cause
// of ctx if requests were cut off, else nil.
func (s *Server) Drain(ctx context.Context) error {
	var err error
	s.Withdraw()
	idle := s.inflight.close()
	select {
	case <-idle:
	case <-ctx.Done():
		select {
		case <-idle: // both are ready: nothing was cut off
		default:
			err = context.Cause(ctx)
		}
	}
	s.cancel(errStopping())
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), CutOffGrace)
	defer cancel()
	select {
	case <-idle:
	case <-last.Done():
	}
	if s.http.Shutdown(last) != nil {
		_ = s.http.Close() // closes connections whose readers do not read
	}
	_ = s.metricsHTTP.Close()
	return err
}

// errStopping returns the cause of requests that end with the host.
func errStopping() *fault.Error {
	return fault.New(fault.Canceled, "the host is stopping").By(fault.PartyHost).After(time.Second)
}
