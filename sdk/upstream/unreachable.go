package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"syscall"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

// Unreachable returns the error of a request that got err instead of a response. ctx is the context of
// the request: if it has ended, the error is that of the context. If err has a *fault.Error in its
// chain, Unreachable returns that one. For a forbidden address, and for a server without TLS, it
// returns fault.Invalid at base_url. Otherwise it returns fault.ProviderFailed.
func (c *Client) Unreachable(ctx context.Context, err error) *fault.Error {
	if ctx.Err() != nil {
		return fault.Of(ctx.Err())
	}
	if f := known(err); f != nil {
		return f
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the text of a url.Error repeats the whole URL
	}
	if refused := egress.Of(err); refused != nil {
		return notAllowed(refused)
	}
	var header tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	said := c.Said(err.Error()) // the server may have written a part of it, such as a wrong status line
	switch {
	case ofProxy(err):
		return fault.New(fault.ProviderFailed, "the proxy before %s, which the plugin's environment names, does not lead there: %s", c.base.Host, said)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(fault.ProviderFailed, "nothing listens at %s: %s", c.base.Host, said).At("base_url")
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return fault.New(fault.Invalid, "what listens at %s speaks no TLS; expected http://", c.base.Host).At("base_url").By(fault.PartyTenant)
	case errors.As(err, &certificate):
		return fault.New(fault.ProviderFailed, "the certificate of %s is not trusted: %s", c.base.Host, said).At("base_url")
	}
	return fault.New(fault.ProviderFailed, "no answer from %s: %s", c.Server(), said).At("base_url")
}
