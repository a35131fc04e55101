package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// Preflight says for what Listen would refuse the settings, but that the address is
// another's. Nothing is opened. The problems have no position.
func Preflight(settings config.Settings) config.Problems {
	var problems config.Problems
	if settings.TLS != (config.TLS{}) {
		if _, err := loadCertificate(settings.TLS, hclog.NewNullLogger()); err != nil && !errors.As(err, &problems) {
			problems = append(problems, config.Problem{Path: config.Path{"tls"}, Message: err.Error()})
		}
	}
	if err := checkAddress(settings.Listen, settings.Auth.Mode == config.AuthToken); err != nil {
		problems = append(problems, config.Problem{Path: config.Path{"listen"}, Message: err.Error()})
	}
	return problems
}

// checkAddress says why no listener is opened at the address; anywhere says that it may
// be beyond loopback.
func checkAddress(address string, anywhere bool) error {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return notAddress(address, err)
	}
	if !anywhere && !isLoopbackName(name) {
		return notLoopback(address)
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return notAddress(address, err)
	}
	if !anywhere && !at.IP.IsLoopback() {
		return notLoopback(address)
	}
	return nil
}

// Listen opens the address that the host's settings name, with TLS if they name a
// certificate. Where no token is asked for that has to be a loopback address.
func (s *Server) Listen() (net.Listener, error) {
	settings := s.host.Settings()
	var pair *certificate
	if settings.TLS != (config.TLS{}) {
		var err error
		if pair, err = loadCertificate(settings.TLS, s.log); err != nil {
			return nil, err
		}
	}
	open := Listen
	if s.keys != nil {
		open = listenAnywhere
	}
	l, err := open(settings.Listen)
	if err != nil {
		return nil, err
	}
	if pair != nil {
		return tls.NewListener(l, pair.settings()), nil
	}
	if checkLoopback(l) != nil {
		s.log.Warn("listening beyond this machine WITHOUT TLS: tokens and conversations can be read on the way; "+
			"set tls.cert_file and tls.key_file, or let nobody but a gateway that has TLS reach this address", "listen", l.Addr().String())
	}
	return l, nil
}

func listenAnywhere(address string) (net.Listener, error) {
	if err := checkAddress(address, true); err != nil {
		return nil, err
	}
	return net.Listen("tcp", address)
}

// Listen opens a loopback address: without authentication, whoever reaches the
// server can use every tenant.
func Listen(address string) (net.Listener, error) {
	// Before anything is bound: a port that is open for a moment is open.
	if err := checkAddress(address, false); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := checkLoopback(l); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// checkLoopback looks at what was bound, which the name only promised.
func checkLoopback(l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return notLoopback(l.Addr().String())
	}
	return nil
}

func notAddress(address string, err error) error {
	return fmt.Errorf("%q is not an address and a port, such as 127.0.0.1:8080: %w", address, err)
}

func notLoopback(address string) error {
	return fmt.Errorf("refusing to listen on %q: with auth.mode = \"none\" whoever reaches the host can use every tenant; "+
		"set listen (or --listen) to a loopback address such as 127.0.0.1:8080, or auth.mode to \"token\"", address)
}

func isLoopbackName(name string) bool { return config.IsLoopbackName(name) }
