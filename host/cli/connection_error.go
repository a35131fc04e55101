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

// connectionError returns the error for a request that got no answer. It tells apart three
// reasons: the host's certificate is not accepted, nobody is there, or the connection broke
// when the host may have had the request.
func (c *client) connectionError(err error, method string) error {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var system *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &certificate):
		return c.certificateError(certificate)
	// The transport has no error value for this, only the text.
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("the server at %s does not speak TLS; if it is the host, name it with --url %s", c.base, otherScheme(c.base, "http"))
	case errors.As(err, &system) && system.Op != "dial":
	case system != nil, errors.As(err, &slow) && slow.Timeout(): // a timeout can only happen before the request was sent
		return &unreachableError{c.base, err}
	}
	return &brokenError{c.base, err, method}
}

// certificateError returns the error for a certificate that is not accepted, and says what
// to do about it.
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

// otherScheme returns the URL with another scheme.
func otherScheme(base, scheme string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // cannot happen: it was parsed before
	}
	u.Scheme = scheme
	return u.String()
}

// unreachableError is the error for a host that is not there.
type unreachableError struct {
	base string
	err  error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("no host answers at %s: %v; start one with `botyard serve`, or name another with --url", e.base, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

// brokenError is the error for a connection that ended before the whole answer was read.
type brokenError struct {
	base   string
	err    error
	method string // method of the request; GET changes nothing
}

func (e *brokenError) Error() string {
	text := fmt.Sprintf("the connection to the host at %s broke before it had answered: %v; ", e.base, e.err)
	if e.method == http.MethodGet {
		return text + "repeat the command"
	}
	return text + "the host may have done all of it, a part of it, or nothing; it is safe to repeat the command"
}

func (e *brokenError) Unwrap() error { return e.err }
