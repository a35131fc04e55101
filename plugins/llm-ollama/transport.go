package ollama

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/upstream"
)

// transport sends requests to the configured server, with the API key. It records in the request's
// exchange the status, headers and errors that api.Client drops.
type transport struct {
	base  *http.Transport
	host  string
	token string
	// secrets cuts the API key out of what the server says.
	secrets *upstream.Secrets
}

// The most unread bytes of an HTTP/2 connection, and of one stream on it.
const (
	maxHTTP2Connection = 2 << 20
	maxHTTP2Stream     = 512 << 10
)

// dialTimeout is how long opening a TCP connection may take.
const dialTimeout = 10 * time.Second

func newTransport(base *url.URL, apiKey string, dialer *egress.Dialer) *transport {
	find := proxyFromEnvironment()
	if proxy, err := find(&http.Request{URL: base}); proxy != nil && err == nil {
		dialer = nil // the transport connects to the operator's proxy, to which the egress policy does not apply
	}
	t := &transport{host: base.Host, secrets: upstream.NewSecrets(apiKey), base: &http.Transport{
		Proxy:                  find,
		OnProxyConnectResponse: checkProxyConnect,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			return dialer.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConns:        64,
		MaxIdleConnsPerHost: 64,
		ForceAttemptHTTP2:   true,
		// The bounds are small, because the plugin reads responses as they arrive and Ollama sends few
		// headers.
		MaxResponseHeaderBytes: sdk.MaxUpstreamHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerConnection: maxHTTP2Connection, MaxReceiveBufferPerStream: maxHTTP2Stream,
		},
		DisableCompression: true, // a compressed stream may arrive in blocks instead of tokens
	}}
	if apiKey != "" {
		t.token = "Bearer " + apiKey
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Host, out.Host = t.host, t.host
	out.Header.Set("Accept-Encoding", "identity") // without it, a proxy may take any encoding
	if t.token != "" {
		out.Header.Set("Authorization", t.token)
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if err := decodeBody(req.Context(), resp, t.secrets); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if x := exchangeOf(req.Context()); x != nil {
		x.status = resp.StatusCode
		x.contentType = resp.Header.Get("Content-Type")
		x.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
		if resp.StatusCode >= http.StatusBadRequest {
			resp.Body = &notedBody{Reader: io.LimitReader(resp.Body, sdk.MaxUpstreamErrorBytes), Closer: resp.Body, exchange: x}
			return resp, nil
		}
		lines := newJSONLines(req.Context(), resp.Body)
		lines.bounds = x.bounds
		resp.Body = &notedBody{Reader: lines, Closer: lines, exchange: x}
	}
	return resp, nil
}

func (t *transport) close() { t.base.CloseIdleConnections() }

// refuseRedirect returns an error for each redirect, so that the API key and the conversation go only to
// the configured server.
func refuseRedirect(req *http.Request, _ []*http.Request) error {
	return invalid("base_url", "the server there redirects; expected the address of Ollama itself")
}
