package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// failure tells apart why a call has no answer: the host's certificate, that nobody is
// there, and that the connection broke when the host had the call perhaps.
func (c *client) failure(err error, reads bool) error {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var system *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &certificate):
		return c.distrust(certificate)
	// The transport has no value for it, but this text since it was made.
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("the server at %s does not speak TLS; if it is the host, name it with --url %s", c.base, otherScheme(c.base, "http"))
	case errors.As(err, &system) && system.Op != "dial":
	case system != nil, errors.As(err, &slow) && slow.Timeout(): // before anything was sent: nothing else has a limit
		return &unreachableError{c.base, err}
	}
	return &brokenError{c.base, err, reads}
}

// distrust says what to do about a certificate that does not prove the host.
func (c *client) distrust(err *tls.CertificateVerificationError) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	what := "the certificate of the host at " + c.base
	switch {
	case errors.As(err, &unknown) && c.transport().TLSClientConfig != nil && c.transport().TLSClientConfig.RootCAs != nil:
		return fmt.Errorf("%s is not of an authority in the file given with --ca-file: %w", what, err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s is of an authority that is not known here: %w; give the authority's certificate with --ca-file FILE", what, err)
	case errors.As(err, &name):
		return fmt.Errorf("%s is for other names: %w; name the host as its certificate does with --url", what, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%s is not valid now: %w; the host needs another (tls.cert_file), or this machine's clock is wrong", what, err)
	}
	return fmt.Errorf("%s is not accepted: %w", what, err)
}

func otherScheme(base, scheme string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // unreachable: it was parsed before
	}
	u.Scheme = scheme
	return u.String()
}

// unreachableError says what to do about a host that is not there.
type unreachableError struct {
	base string
	err  error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("no host answers at %s: %v; start one with `botyard serve`, or name another with --url", e.base, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

// brokenError is a connection that ended before the whole answer was here.
type brokenError struct {
	base  string
	err   error
	reads bool // the call changes nothing
}

func (e *brokenError) Error() string {
	text := fmt.Sprintf("the connection to the host at %s broke before it had answered: %v; ", e.base, e.err)
	if e.reads {
		return text + "repeat the command"
	}
	return text + "the host may have done what was asked or a part of it, or not; to repeat the command is safe"
}

func (e *brokenError) Unwrap() error { return e.err }
