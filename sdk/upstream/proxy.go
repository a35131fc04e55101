package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/net/http/httpproxy"
)

// proxyFromEnvironment returns a function for http.Transport.Proxy. The function obeys HTTPS_PROXY,
// HTTP_PROXY and NO_PROXY, which a plugin has only if the operator lists them in the key env. Requests to
// this machine use no proxy. If a variable is not a URL, every request fails, because a request must not
// bypass the operator's proxy. Errors do not repeat the variables, which may contain a password.
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

// isProxy reports whether package httpproxy can parse the text of a proxy variable. The scheme is
// optional. The check is needed because httpproxy silently ignores a variable that it cannot parse.
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

// proxyRefusal is the error of a proxy that refuses to connect to a server with TLS. status is the HTTP
// status of the proxy's response.
type proxyRefusal struct{ status int }

func (e *proxyRefusal) Error() string { return "the proxy answered " + strconv.Itoa(e.status) }

// checkProxyConnect checks a proxy's response to CONNECT. It is the OnProxyConnectResponse of the
// transport.
func checkProxyConnect(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &proxyRefusal{resp.StatusCode}
	}
	return nil
}

var errNoProxy = errors.New("the proxy that HTTPS_PROXY or HTTP_PROXY names is no URL")

// ofProxy reports whether a request failed because the proxy was invalid, unreachable, or refused to
// connect.
func ofProxy(err error) bool {
	var op *net.OpError
	var refusal *proxyRefusal
	return errors.Is(err, errNoProxy) || errors.As(err, &refusal) || errors.As(err, &op) && op.Op == "proxyconnect"
}
