package api

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
)

// stalled sends a request on a new connection and does not read the response.
func (s *testServer) stalled(request string) net.Conn {
	s.Helper()
	d := net.Dialer{}
	c, err := d.DialContext(s.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	_ = c.(*net.TCPConn).SetReadBuffer(256 << 10)
	if _, err := io.WriteString(c, request); err != nil {
		s.Fatal(err)
	}
	return c
}

// TestResponse_stalledReaders checks a tenant that asks for large pages on many connections and
// reads none of them. The memory for answers stays bounded, another tenant can read, the tenant
// itself can chat, and a reader that continues gets its whole page.
//
// beyond: answers
func TestResponse_stalledReaders(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"limits":   map[string]any{"message_bytes": 1 << 20, "reply_bytes": 1 << 20},
		"http":     map[string]any{"answer_bytes": bounds.MinHeldBytes},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	s.register("large", echoWith(map[string]any{"reply": "yes"}))
	s.register("small", nil)
	s.chat("small", "c", "hello")
	message := strings.Repeat("m", 1<<20-10)
	for range 9 {
		s.chat("large", "c", message)
	}
	const request = "GET /api/v1/conversations/c/turns HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: large\r\n\r\n"
	pool := s.server.limits.answers[gatewayCaller]
	var readers []net.Conn
	for range 40 { // a page has about 8 MiB, so six pages fit into half of MinHeldBytes
		readers = append(readers, s.stalled(request))
	}
	s.eventually("some requests hold pages, and other requests wait", func() bool { return pool.Held() > 30<<20 && pool.Waiting() > 0 })
	if held := pool.Held(); held > bounds.MinHeldBytes/2 {
		t.Errorf("%d bytes are held", held)
	}
	s.get("/admin/v1/tenants", nil)
	s.call("GET", "/api/v1/conversations/c/turns", headers{tenantHeader: "small"}, "", 200, nil)
	s.chat("large", "another", "still here")

	var refused atomic.Int64
	var all sync.WaitGroup
	for _, c := range readers {
		all.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, resp.Body)
			switch {
			case err != nil:
				t.Error(err)
			case resp.StatusCode == 429:
				refused.Add(1)
			case resp.StatusCode != 200 || n < 8<<20:
				t.Errorf("%d, %d bytes", resp.StatusCode, n)
			}
			_ = c.Close()
		})
	}
	all.Wait()
	t.Logf("%d were refused", refused.Load())
	s.eventually("the pool holds no bytes", func() bool { return pool.Held() == 0 && s.server.limits.slots[readSlots].Held() == 0 })
}

// TestResponse_slowReader checks that the server cuts off a client that reads nothing, and releases
// the memory of its page.
//
// beyond: slow reader
func TestResponse_slowReader(t *testing.T) {
	s := serveHost(t, Options{writeTimeout: 300 * time.Millisecond}, host.Options{Config: map[string]any{
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	s.register("a", echoWith(map[string]any{"reply": "yes"}))
	for range 8 {
		s.chat("a", "c", strings.Repeat("m", 1<<20-10))
	}
	c := s.stalled("GET /api/v1/conversations/c/turns HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\n\r\n")
	pool := s.server.limits.answers[gatewayCaller]
	s.eventually("the request holds a page", func() bool { return pool.Held() > 0 })
	s.eventually("the request holds no page", func() bool { return pool.Held() == 0 })
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("an incomplete page of %d bytes looks complete", n)
	}
}
