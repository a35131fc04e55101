package upstream

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
)

// How many bytes a server may send that nobody has read yet: on one HTTP/2 connection, and on one stream of it.
const (
	maxHTTP2Connection = 2 << 20
	maxHTTP2Stream     = 512 << 10
)

// dialTimeout is how long opening a TCP connection may take, and how long the TLS handshake after it.
const dialTimeout = 10 * time.Second

// transport sends requests with the headers of the client, and bounds the bodies of the responses.
type transport struct {
	client *Client
	header http.Header
	base   *http.Transport
}

// libraryHeaders is how the names of the headers begin in which some libraries describe the machine.
// The transport does not send them.
const libraryHeaders = "X-Stainless-"

// acceptedEncoding is the encoding that requests ask for. Without it, a proxy may take any. Of a
// compressed stream, the tokens would arrive in blocks. A body in gzip is read nevertheless.
const acceptedEncoding = "identity"

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	for name := range out.Header {
		if strings.HasPrefix(name, libraryHeaders) {
			delete(out.Header, name)
		}
	}
	for name, values := range t.header {
		out.Header[name] = values
	}
	out.Header.Set("User-Agent", "botyard")
	out.Header.Set("Accept-Encoding", acceptedEncoding)
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if err := t.client.checkEncoding(resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	resp.Body = newBody(req.Context(), t.client, resp)
	return resp, nil
}

// newTransport returns the HTTP transport of a client. It has no timeout for a silent server, because
// the host ends a call that takes too long.
func newTransport(base *url.URL, dialer *egress.Dialer) *http.Transport {
	find := proxyFromEnvironment()
	if proxy, err := find(&http.Request{URL: base}); proxy != nil && err == nil {
		dialer = nil // the transport connects to the operator's proxy, to which the egress policy does not apply
	}
	return &http.Transport{
		Proxy:                  find,
		OnProxyConnectResponse: checkProxyConnect,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			return dialer.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout:    dialTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    64,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: sdk.MaxUpstreamHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerConnection: maxHTTP2Connection, MaxReceiveBufferPerStream: maxHTTP2Stream,
		},
		DisableCompression: true, // a compressed stream would arrive in blocks instead of tokens
	}
}
