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

// hosting is a host with the API before it, from its start to its end.
type hosting struct {
	options host.Options
	// ready is called once requests are answered; its error stops the host.
	ready func(ctx context.Context, h *host.Host, url string) error
	// once: the host stops when ready returned.
	once bool
	// attended: somebody watches it in a terminal, whose end is the host's. For others
	// SIGHUP means to read the files again.
	attended bool
}

// errCutShort is the end of a host that was told twice to stop.
var errCutShort = errors.New("stopped at once: told to stop a second time")

// errHung is the end of a host of which something did not end.
var errHung = errors.New("the host was given up: something in it did not end in time")

// run serves until a signal comes, or until ready returned where it is to be
// served only once. At the first signal /readyz fails; shutdown_delay later nothing new
// is taken, and requests at work get the grace period; then plugins end. A second one
// leaves them no more time, and a third is not caught. Whatever hangs in the host, run
// returns: endTimeout after the time that the settings give, or after the second
// signal. What still runs then ends with the process.
func (s hosting) run(ctx context.Context) error {
	log := s.options.Log
	serving, stop := context.WithCancel(ctx)
	defer stop()
	patience, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	defer hurry(nil)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if s.attended {
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	// From the start on: one that comes while the files are read must not end the host.
	hangups := make(chan os.Signal, 1)
	if !s.attended {
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for _, act := range []func(){stop, func() { hurry(errCutShort); signal.Stop(signals) }} {
			select {
			case sig := <-signals:
				log.Info("stopping", "signal", sig.String())
				act()
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
				err = nil // told to stop before the start was over
			}
			ended <- err
			return
		}
		opened.Store(h)
		stopReloading := reloadOnHangup(serving, hangups, h, log)
		err = s.serve(serving, patience, h)
		stopReloading()
		if cut := context.Cause(patience); cut != nil && err == nil {
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
	case <-patience.Done():
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

// endTimeout is how long the end of a host may take beside the time that its settings
// give to requests: these are cut off, instances and the registry are closed, plugins
// end or are killed.
const endTimeout = api.CutOffGrace + closeTimeout + 10*time.Second

// reloadOnHangup reads the host's files again at each SIGHUP until the function that
// it answers is called. The host never ends by it, whatever is in the files.
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

// closeTimeout bounds the end of a host whose turns ended.
const closeTimeout = 5 * time.Second

func (s hosting) serve(serving, patience context.Context, h *host.Host) (err error) {
	settings := h.Settings()
	defer func() {
		// The turns had their time before: what is left are plugins that must end, even
		// when there is no patience left.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(patience), closeTimeout)
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
		ctx, cancel := context.WithTimeout(patience, h.Settings().ShutdownGrace)
		defer cancel()
		if cut := server.Drain(ctx); cut != nil && patience.Err() == nil {
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
	if delay := h.Settings().ShutdownDelay; delay > 0 && !s.attended {
		server.Withdraw()
		select {
		case <-time.After(delay):
		case <-patience.Done():
		}
	}
	return nil
}

// serveMetrics shows the metrics on their own address, if they have one, until the server
// is drained. What comes of it is given then.
func (s hosting) serveMetrics(server *api.Server) (<-chan error, error) {
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

// listenError names the flag, since a port that is taken is what goes wrong most.
func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another address with --listen, for example --listen %s",
			address, otherPort(address))
	}
	var system *net.OpError
	var wrong *net.AddrError
	if !errors.As(err, &system) && !errors.As(err, &wrong) {
		return err // it says itself what to set
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
