package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// connectionError returns the error for a request that got no response. It distinguishes three
// reasons: the host's certificate is not accepted, no host can be reached, or the connection
// broke after the host may have received the request.
func (c *client) connectionError(err error, method string) error {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var system *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &certificate):
		return c.certificateError(certificate)
	// package http has only a text for this error
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("the server at %s does not speak TLS; if it is the host, name it with --url %s", c.base, otherScheme(c.base, "http"))
	case errors.As(err, &system) && system.Op != "dial":
	// The client's only timeouts are those of connecting, so a timeout means that the request
	// was not sent.
	case system != nil, errors.As(err, &slow) && slow.Timeout():
		return &unreachableError{c.base, err}
	}
	return &brokenError{c.base, err, method}
}

// certificateError returns the error for a certificate that is not accepted. The error says how
// the user can solve the problem.
func (c *client) certificateError(err *tls.CertificateVerificationError) error {
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

// otherScheme returns the URL base with another scheme.
func otherScheme(base, scheme string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // unreachable, because newClient has parsed base
	}
	u.Scheme = scheme
	return u.String()
}

// unreachableError says that no host can be reached at the URL.
type unreachableError struct {
	base string
	err  error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("no host answers at %s: %v; start one with `botyard serve`, or name another with --url", e.base, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

// brokenError says that a connection ended before the client had read the whole response.
type brokenError struct {
	base   string
	err    error
	method string // the method of the request; a GET can always be repeated
}

func (e *brokenError) Error() string {
	text := fmt.Sprintf("the connection to the host at %s broke before it had answered: %v; ", e.base, e.err)
	if e.method == http.MethodGet {
		return text + "repeat the command"
	}
	return text + "the host may have done all of it, a part of it, or nothing; it is safe to repeat the command"
}

func (e *brokenError) Unwrap() error { return e.err }
