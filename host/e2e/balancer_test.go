package e2e

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
)

// balancer sends requests to hosts in turn, without regard to conversations. If a host does not accept a
// connection, the balancer sends the request to the next host, as load balancers do. It does so once per
// request.
type balancer struct {
	hosts []*url.URL
	next  atomic.Uint64
	inner *http.Transport
}

// balance starts a balancer in front of the hosts and returns its URL. The balancer runs until the test
// ends.
func balance(t *testing.T, hosts []*hostProcess) string {
	t.Helper()
	b := &balancer{inner: &http.Transport{MaxIdleConnsPerHost: 256}}
	for _, host := range hosts {
		u, err := url.Parse(host.url)
		if err != nil {
			t.Fatal(err)
		}
		b.hosts = append(b.hosts, u)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(*httputil.ProxyRequest) {},
		Transport: b,
		ErrorLog:  log.New(io.Discard, "", 0), // tests kill hosts, so errors are expected
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		b.inner.CloseIdleConnections()
	})
	return s.URL
}

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	resp, err := b.send(req, body)
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "dial" {
		return b.send(req, body)
	}
	return resp, err
}

func (b *balancer) send(req *http.Request, body []byte) (*http.Response, error) {
	host := b.hosts[b.next.Add(1)%uint64(len(b.hosts))]
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = host.Scheme, host.Host, ""
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return b.inner.RoundTrip(out)
}
