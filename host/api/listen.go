package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// Preflight returns the problems for which Listen would refuse the settings. It opens no listener,
// so it does not notice an address in use. The problems have no position in a file.
func Preflight(settings config.Settings) config.Problems {
	var problems config.Problems
	if settings.TLS != (config.TLS{}) {
		if _, err := loadCertificate(settings.TLS, hclog.NewNullLogger()); err != nil && !errors.As(err, &problems) {
			problems = append(problems, config.Problem{Path: config.Path{"tls"}, Message: err.Error()})
		}
	}
	check := checkLoopbackAddress
	if settings.Auth.Mode == config.AuthToken {
		check = checkAddress
	}
	if err := check(settings.Listen); err != nil {
		problems = append(problems, config.Problem{Path: config.Path{"listen"}, Message: err.Error()})
	}
	return problems
}

// checkAddress returns an error if the server cannot listen on the address.
func checkAddress(address string) error {
	_, err := resolveAddress(address)
	return err
}

// checkLoopbackAddress returns an error if the address is not a loopback address with a port. It
// checks the host name before it resolves the name.
func checkLoopbackAddress(address string) error {
	if name, _, err := net.SplitHostPort(address); err == nil && !isLoopbackName(name) {
		return notLoopback(address)
	}
	at, err := resolveAddress(address)
	if err == nil && !at.IP.IsLoopback() {
		return notLoopback(address)
	}
	return err
}

// resolveAddress returns the TCP address of a host name or IP address with a port.
func resolveAddress(address string) (*net.TCPAddr, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, notAddress(address, err)
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, notAddress(address, err)
	}
	return at, nil
}

// Listen opens a listener on the address in the host's settings, with TLS if the settings name a
// certificate. If auth.mode is "none", the address must be a loopback address.
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
	if s.tokens != nil {
		open = listenAnywhere
	}
	l, err := open(settings.Listen)
	if err != nil {
		return nil, err
	}
	if pair != nil {
		return tls.NewListener(l, pair.tlsConfig()), nil
	}
	if checkLoopback(l) != nil {
		s.log.Warn("listening beyond this machine WITHOUT TLS: tokens and conversations can be read on the way; "+
			"set tls.cert_file and tls.key_file, or let nobody but a gateway that has TLS reach this address", "listen", l.Addr().String())
	}
	return l, nil
}

// listenAnywhere opens a listener on the address, which may be outside of loopback.
func listenAnywhere(address string) (net.Listener, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	return net.Listen("tcp", address)
}

// Listen opens a listener on a loopback address. It refuses other addresses, because without
// authentication every client that reaches the server can use every tenant.
func Listen(address string) (net.Listener, error) {
	// The check comes before the port is opened, so that the port is never reachable from other
	// machines.
	if err := checkLoopbackAddress(address); err != nil {
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

// checkLoopback returns an error if the address of the listener is not a loopback address.
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
