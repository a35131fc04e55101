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
	"github.com/botyard/botyard/host/metrics"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// Options change how a Server serves. The zero value is fine.
type Options struct {
	Log hclog.Logger // nil discards

	keepalive    time.Duration // between two signs of life of a stream
	writeTimeout time.Duration // for what is streamed at once
}

// Host is what a Server serves: a *host.Host, or another assembly of the same
// parts, such as one whose bots have no plugin processes.
type Host interface {
	Settings() config.Settings
	Registry() *registry.Registry
	Plugins() *plugins.Manager
}

var _ Host = (*host.Host)(nil)

// Server serves one host. Serve it, then Drain it, then close the host.
type Server struct {
	host Host
	log  hclog.Logger
	http *http.Server

	metrics     *metrics.Metrics // nil for none
	metricsHTTP *http.Server     // on an address of its own

	keepalive    time.Duration
	writeTimeout time.Duration

	keys        *keyring // nil: no token is asked for
	admission   *admission
	connections connections
	work        work
	settings    *slots.Room // requests about settings of tenants
	withdrawn   atomic.Bool
	departures  departures
	cancel      context.CancelCauseFunc // ends all requests
}

// New makes a server for the host, which it does not own.
func New(h Host, o Options) *Server {
	s := &Server{host: h, log: o.Log, settings: newSettingsRoom(), keepalive: o.keepalive, writeTimeout: o.writeTimeout, metrics: metricsOf(h), admission: newAdmission(h)}
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
		s.keys = newKeyring(h, s.log)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http, s.metricsHTTP = s.newHTTP(ctx, &s.connections), s.newHTTP(ctx, &connections{})
	s.http.Handler = s.Handler()
	return s
}

func (s *Server) newHTTP(ctx context.Context, cs *connections) *http.Server {
	h := s.host
	cs.most = func() int { return cmp.Or(h.Settings().HTTP.Connections, bounds.DefaultConnections) }
	return &http.Server{
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return cs.add(knowConnection(ctx, c), c) },
		ConnState:         cs.changed,
		ReadHeaderTimeout: bounds.HeaderTimeout,
		IdleTimeout:       bounds.IdleTimeout,
		MaxHeaderBytes:    bounds.HeaderBytes,
		ErrorLog:          s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// Handler is what Serve serves, for a listener of somebody else's; where no token is
// asked for that one has to be on loopback too.
func (s *Server) Handler() http.Handler {
	all := s.mux(s.routes())
	if s.keys == nil {
		// A token is proof of who calls, and a browser adds none by itself: with tokens
		// there is nothing to guard, and a gateway may have any name.
		all = guard(all)
	}
	return s.watch(all)
}

// Serve answers on the listener until Drain, then returns nil. Where no token is
// asked for it refuses one that is not on loopback.
func (s *Server) Serve(l net.Listener) error {
	if s.keys == nil {
		if err := checkLoopback(l); err != nil {
			return err
		}
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Withdraw has /readyz fail from now on. All else is served as before: whoever sends
// requests here has the time to see it.
func (s *Server) Withdraw() { s.withdrawn.Store(true) }

// CutOffGrace is what requests that were cut off get to end, such as turns to record
// that they were.
const CutOffGrace = 5 * time.Second

// Drain ends serving. At once /readyz fails and new requests are refused; the
// listener stays, so that whoever asks can see it. Requests at work, turns and
// imports and all others, go on until ctx ends, are cut off then, and answered. It
// returns [CutOffGrace] after the end of ctx at the latest; unless something hangs that
// cannot be cut off, no request is running then, and the host can be closed. The error
// is ctx's if requests were cut off.
func (s *Server) Drain(ctx context.Context) error {
	var err error
	s.Withdraw()
	idle := s.work.close()
	select {
	case <-idle:
	case <-ctx.Done():
		select {
		case <-idle: // both: nothing was cut off
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
		_ = s.http.Close() // readers that take nothing
	}
	_ = s.metricsHTTP.Close()
	return err
}

func errStopping() *fault.Error {
	return fault.New(fault.Canceled, "the host is stopping").By(fault.PartyHost).After(time.Second)
}
