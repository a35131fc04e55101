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

// Options configure a Server. The zero value is ready to use.
type Options struct {
	Log hclog.Logger // nil discards the log

	keepalive    time.Duration // the time between two keepalive comments of a stream
	writeTimeout time.Duration // how long a client may make no progress
}

// Host is the host that a Server serves: a *host.Host, or another implementation, for example a
// host whose bots have no plugin processes. A Host may also implement the optional interfaces
// TokenSource, Archiver, Meter, Reloader, FileFollower and InstanceChecker.
type Host interface {
	Settings() config.Settings
	Registry() *registry.Registry
	Plugins() *plugins.Manager
}

var _ Host = (*host.Host)(nil)

// Server serves one host over HTTP. The owner calls Serve, then Drain, and then closes the host.
type Server struct {
	host Host
	log  hclog.Logger
	http *http.Server

	metrics     *metrics.Metrics // nil if the host has no metrics
	metricsHTTP *http.Server     // the server on the address metrics.listen

	keepalive    time.Duration
	writeTimeout time.Duration

	tokens      *tokenCache // nil if auth.mode is "none"
	limits      *requestLimits
	connections connections
	inflight    inflightRequests
	draining    chan struct{}    // the semaphore of exchange.drainBody
	settings    *fairshare.Cap   // limits requests about settings of tenants
	ownSettings *fairshare.Slots // limits the work for requests of tenants for their own settings
	withdrawn   atomic.Bool      // whether /readyz responds with 503
	disconnects disconnects
	cancel      context.CancelCauseFunc // cancels the contexts of all requests
}

// New returns a Server for the host. The caller still owns the host, and closes it after Drain.
func New(h Host, o Options) *Server {
	s := &Server{host: h, log: o.Log, settings: newSettingsRequests(), ownSettings: newOwnSettingsSlots(), keepalive: o.keepalive, writeTimeout: o.writeTimeout, metrics: metricsOf(h), limits: newRequestLimits(h)}
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

// newHTTP returns an HTTP server that tracks its connections in cs. Its requests are canceled when
// ctx ends.
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

// Handler returns the handler that Serve uses, for callers with a listener of their own. If
// auth.mode is "none", the listener must be on loopback.
func (s *Server) Handler() http.Handler {
	all := s.newRouter(s.routes())
	if s.tokens == nil {
		// With tokens, the check of origins is not necessary, because a browser adds no token by
		// itself. The check would also refuse a gateway with another host name.
		all = refuseForeignOrigins(all)
	}
	return s.middleware(all)
}

// Serve serves the listener until Drain, and then returns nil. If auth.mode is "none", Serve
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

// Withdraw makes /readyz respond with 503. The server still serves all other routes, so that a load
// balancer has time to notice.
func (s *Server) Withdraw() { s.withdrawn.Store(true) }

// CutOffGrace is the time that requests have to end after Drain has canceled them. Turns use the
// time to record that they were interrupted.
const CutOffGrace = 5 * time.Second

// Drain stops the server. At once, /readyz responds with 503 and new requests are refused.
// The listener stays open, so that callers can read these responses. Running requests continue
// until ctx ends. Then Drain cancels the contexts of the running requests, and their callers get an
// error. Drain returns at the latest [CutOffGrace] after the end of ctx. After that no request
// runs, except a request that ignores its context, and the caller can close the host. Drain returns
// the cause of ctx if it has canceled requests, and nil otherwise.
func (s *Server) Drain(ctx context.Context) error {
	var err error
	s.Withdraw()
	idle := s.inflight.close()
	select {
	case <-idle:
	case <-ctx.Done():
		select {
		case <-idle: // all requests ended just when ctx ended, so Drain cancels none
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
		_ = s.http.Close() // closes connections whose clients do not read
	}
	_ = s.metricsHTTP.Close()
	return err
}

// errStopping returns the cause that cancels requests when the host stops.
func errStopping() *fault.Error {
	return fault.New(fault.Canceled, "the host is stopping").By(fault.PartyHost).After(time.Second)
}
