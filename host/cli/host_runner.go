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
	// ready is called when requests are answered. Its error stops the host.
	ready func(ctx context.Context, h *host.Host, url string) error
	// once stops the host when ready has returned.
	once bool
	// interactive says that the host runs in a terminal and ends with it. Otherwise SIGHUP
	// reloads the host's files.
	interactive bool
}

// errCutShort is the error of a host that got a second signal to stop.
var errCutShort = errors.New("stopped at once: told to stop a second time")

// errHung is the error of a host that did not end in time.
var errHung = errors.New("the host was given up: something in it did not end in time")

// run opens the host and serves it until a signal comes, or until ready has returned if
// once is set. It stops the host in these steps:
//
//   - At the first signal /readyz fails.
//   - shutdown_delay later new requests are refused, and running requests get
//     shutdown_grace to finish.
//   - Then the host is closed, and the plugins end.
//
// A second signal takes the remaining time away. A third is not caught and ends the
// process. run returns even if something in the host hangs: endTimeout after the time of
// the settings, or endTimeout after the second signal. What still runs then ends with the
// process.
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
	// Registered before the host opens: a SIGHUP while the files are read must not end it.
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
				err = nil // a signal came while the host was opening
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

// endTimeout bounds the end of a host beyond the time that its settings give to requests:
// requests are cut off, the registry is closed, and plugins end or are killed.
const endTimeout = api.CutOffGrace + closeTimeout + 10*time.Second

// reloadOnHangup reloads the host's files at each SIGHUP, until stop is called. An error is
// logged and does not end the host.
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

// closeTimeout bounds the closing of a host whose turns have ended.
const closeTimeout = 5 * time.Second

// serve serves the open host until serving ends, and closes it. When grace is canceled
// nothing gets any more time.
func (s hostRunner) serve(serving, grace context.Context, h *host.Host) (err error) {
	settings := h.Settings()
	defer func() {
		// Plugins get the time to end even if grace was canceled.
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

// serveMetrics serves the metrics on their own address, if they have one, until the server
// is drained. The channel gets its result.
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

// listenError adds to an error of listening which flag changes the address.
func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another address with --listen, for example --listen %s",
			address, otherPort(address))
	}
	var system *net.OpError
	var wrong *net.AddrError
	if !errors.As(err, &system) && !errors.As(err, &wrong) {
		return err // its text says what to set
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
