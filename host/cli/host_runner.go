package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// hostRunner opens a host, serves its API, and stops it on a signal.
type hostRunner struct {
	options host.Options
	// ready is called once the host serves requests. If ready returns an error, the host stops.
	ready func(ctx context.Context, h *host.Host, url string) error
	// once makes the host stop as soon as ready has returned.
	once bool
	// interactive says that the host runs in a terminal, so that a SIGHUP stops the host.
	// Otherwise a SIGHUP reloads the host's files.
	interactive bool
}

// errCutShort says that the host stopped at once because of a second signal.
var errCutShort = errors.New("stopped at once: told to stop a second time")

// errHung says that the host did not stop in time.
var errHung = errors.New("the host was given up: something in it did not end in time")

// run opens the host and serves it until a signal comes. If once is set, it serves the host
// until ready has returned. run stops the host in these steps:
//
//   - At the first signal, /readyz begins to fail.
//   - After shutdown_delay the host refuses new requests. Running requests get shutdown_grace to
//     finish.
//   - Then run closes the host, and the plugins stop.
//
// A second signal ends shutdown_delay and shutdown_grace at once. A third signal is not caught,
// so that it ends the process. run returns even if a part of the host hangs: endTimeout after
// the second signal, or endTimeout after shutdown_delay and shutdown_grace. A part that hangs
// ends with the process.
func (s hostRunner) run(ctx context.Context) error {
	log := s.options.Log
	serving, stop := context.WithCancel(ctx)
	defer stop()
	grace, cutShort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cutShort(nil)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if s.interactive {
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	// SIGHUP is caught before the host opens, because a SIGHUP while the host reads its files
	// must not end the process.
	hangups := make(chan os.Signal, 1)
	if !s.interactive {
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for _, action := range []func(){stop, func() { cutShort(errCutShort); signal.Stop(signals) }} {
			select {
			case sig := <-signals:
				log.Info("stopping", "signal", sig.String())
				action()
			case <-done:
				return
			}
		}
	}()

	var opened atomic.Pointer[host.Host]
	ended := make(chan error, 1)
	go func() {
		h, err := host.Open(serving, s.options)
		if err != nil {
			if serving.Err() != nil && ctx.Err() == nil {
				err = nil // a signal stopped the host while it was opening
			}
			ended <- err
			return
		}
		opened.Store(h)
		stopReloading := reloadOnHangup(serving, hangups, h, log)
		err = s.serve(serving, grace, h)
		stopReloading()
		if cut := context.Cause(grace); cut != nil && err == nil {
			err = cut
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-serving.Done():
	}
	given := endTimeout
	if h := opened.Load(); h != nil {
		settings := h.Settings()
		given += settings.ShutdownDelay + settings.ShutdownGrace
	}
	late := time.After(given)
	select {
	case err := <-ended:
		return err
	case <-grace.Done():
		late = time.After(endTimeout)
	case <-late:
		return errHung
	}
	select {
	case err := <-ended:
		return err
	case <-late:
		return errHung
	}
}

// endTimeout bounds how long a host may take to stop, beyond shutdown_delay and shutdown_grace.
// In this time the host cuts off requests, closes the registry, and stops or kills the plugins.
const endTimeout = api.CutOffGrace + closeTimeout + 10*time.Second

// reloadOnHangup reloads the host's files at each SIGHUP, until stop is called. It logs an
// error of a reload, and the host goes on with its present configuration.
func reloadOnHangup(ctx context.Context, hangups <-chan os.Signal, h *host.Host, log hclog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
			}
			done, err := h.Reload(ctx, host.ReloadOptions{})
			switch {
			case err != nil:
				log.Error("the host's files are not applied", "error", err.Error())
			case !done.Applied:
				for _, c := range done.Changes {
					if c.Err != nil {
						log.Error("a tenant would break", "tenant", c.Tenant, "error", c.Err.Error())
					}
				}
				log.Error("the host's files are not applied", "tenants_broken", done.Broken)
			}
		}
	})
	return func() {
		cancel()
		following.Wait()
	}
}

// closeTimeout bounds the closing of a host after its turns have ended.
const closeTimeout = 5 * time.Second

// serve serves the open host until the context serving ends, and then closes the host. When the
// context grace ends, serve ends the requests at once.
func (s hostRunner) serve(serving, grace context.Context, h *host.Host) (err error) {
	settings := h.Settings()
	defer func() {
		// The plugins get closeTimeout to stop, even if grace was canceled.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(grace), closeTimeout)
		defer cancel()
		err = errors.Join(err, h.Close(ctx))
	}()

	server := api.New(h, api.Options{Log: s.options.Log.Named("api")})
	l, err := server.Listen()
	if err != nil {
		return listenError(settings.Listen, err)
	}
	metricsServed, err := s.serveMetrics(server)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		ctx, cancel := context.WithTimeout(grace, h.Settings().ShutdownGrace)
		defer cancel()
		if cut := server.Drain(ctx); cut != nil && grace.Err() == nil {
			s.options.Log.Warn("turns were cut off, or other requests: they took longer than shutdown_grace", "shutdown_grace", h.Settings().ShutdownGrace)
		}
		err = errors.Join(err, <-served, <-metricsServed)
	}()

	scheme := "http://"
	if settings.TLS != (config.TLS{}) {
		scheme = "https://"
	}
	if err := s.ready(serving, h, scheme+l.Addr().String()); err != nil || s.once {
		return err
	}
	select {
	case <-serving.Done():
	case err := <-served:
		served <- nil
		return err
	}
	if delay := h.Settings().ShutdownDelay; delay > 0 && !s.interactive {
		server.Withdraw()
		select {
		case <-time.After(delay):
		case <-grace.Done():
		}
	}
	return nil
}

// serveMetrics serves the metrics until the server is drained, if the settings give them an
// address of their own. The returned channel gets the error of serving, or nil.
func (s hostRunner) serveMetrics(server *api.Server) (<-chan error, error) {
	served := make(chan error, 1)
	l, err := server.ListenMetrics()
	if err != nil {
		return nil, err
	}
	if l == nil {
		served <- nil
		return served, nil
	}
	s.options.Log.Info("metrics have an address of their own", "url", "http://"+l.Addr().String()+api.MetricsRoute)
	go func() { served <- server.ServeMetrics(l) }()
	return served, nil
}

// listenError adds to an error of listening that the flag --listen changes the address.
func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another address with --listen, for example --listen %s",
			address, otherPort(address))
	}
	var system *net.OpError
	var wrong *net.AddrError
	if !errors.As(err, &system) && !errors.As(err, &wrong) {
		return err // the error names a setting that solves the problem
	}
	return fmt.Errorf("%w; --listen sets another address", err)
}

func otherPort(address string) string {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		name = "127.0.0.1"
	}
	return net.JoinHostPort(name, "8081")
}
