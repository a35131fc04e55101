package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// Preflight returns the problems for which Listen would refuse the settings, except an
// address that is in use. It opens nothing. The problems have no position in a file.
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

// checkAddress returns an error unless the text is an address to listen on.
func checkAddress(address string) error {
	_, err := resolveAddress(address)
	return err
}

// checkLoopbackAddress returns an error unless the text is a loopback address to listen
// on. The name is checked before it is resolved.
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

// resolveAddress returns what the address stands for.
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

// Listen opens the address of the host's settings, with TLS if they name a certificate. If
// auth.mode is "none" it has to be a loopback address.
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

// listenAnywhere opens an address, on loopback or not.
func listenAnywhere(address string) (net.Listener, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	return net.Listen("tcp", address)
}

// Listen opens a loopback address. Without authentication, whoever reaches the server can
// use every tenant, so other addresses are refused.
func Listen(address string) (net.Listener, error) {
	// Checked before the port is bound: nobody may reach it for a moment either.
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

// checkLoopback returns an error unless the listener is bound to a loopback address.
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
