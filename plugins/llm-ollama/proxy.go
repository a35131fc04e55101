package ollama

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/net/http/httpproxy"
)

// proxyFromEnvironment gives the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.
// A plugin has these variables only where the operator lists them in its env; requests
// to this machine need no proxy. With a variable that is no URL nothing is sent: what was
// meant to go through a proxy must not go without one. Errors do not repeat the
// variables, which may hold a password.
func proxyFromEnvironment() func(*http.Request) (*url.URL, error) {
	variables := httpproxy.FromEnvironment()
	for _, proxy := range []string{variables.HTTPProxy, variables.HTTPSProxy} {
		if !isProxy(proxy) {
			return func(*http.Request) (*url.URL, error) { return nil, errNoProxy }
		}
	}
	find := variables.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }
}

// isProxy reports whether the package that finds proxies, which says nothing of a
// variable that it cannot read, can read this one. The scheme may be left out.
func isProxy(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		u, err = url.Parse("http://" + text)
	}
	return err == nil && u.Host != ""
}

// proxyRefusal is what a proxy answered that was to lead to a server with TLS.
type proxyRefusal struct{ status int }

func (e *proxyRefusal) Error() string { return "the proxy answered " + strconv.Itoa(e.status) }

// checkProxyConnect is called with a proxy's answer to CONNECT.
func checkProxyConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &proxyRefusal{resp.StatusCode}
	}
	return nil
}

var errNoProxy = errors.New("the proxy that HTTPS_PROXY or HTTP_PROXY names is no URL")

// ofProxy reports whether a request failed on the way to a proxy, or was refused by one.
func ofProxy(err error) bool {
	var op *net.OpError
	var refusal *proxyRefusal
	return errors.Is(err, errNoProxy) || errors.As(err, &refusal) || errors.As(err, &op) && op.Op == "proxyconnect"
}
