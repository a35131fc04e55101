package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// TestServer_Withdraw checks that Withdraw changes only the response of /readyz.
func TestServer_Withdraw(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.server.Withdraw()
	s.refuse(refusal{"", "GET", "/readyz", nil, "", 503, fault.Canceled, "", "stopping"})
	s.chat("a", "c", "m")
	s.get("/admin/v1/tenants", nil)
	s.get("/healthz", nil)
}

// TestServer_Drain_graceForAllRequests checks that a slow import continues to its end while the
// server drains, and that the server refuses new requests.
func TestServer_Drain_graceForAllRequests(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	in, out := io.Pipe()
	answered := make(chan *http.Response, 1)
	go func() {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", s.url+"/admin/v1/tenants/a/import", in)
		req.Header.Set("Content-Type", ndjsonType)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Error(err)
		}
		answered <- resp
	}()
	write := func(line string) {
		t.Helper()
		if _, err := io.WriteString(out, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}`)
	inFlight := func() int {
		s.server.inflight.mu.Lock()
		defer s.server.inflight.mu.Unlock()
		return s.server.inflight.count
	}
	s.eventually("the request runs", func() bool { return inFlight() == 1 })
	maxDrain := make(chan error, 1)
	go func() { maxDrain <- s.server.Drain(context.Background()) }()
	s.eventually("/readyz fails", func() bool { return s.request("GET", "/readyz", nil, "").StatusCode == 503 })
	for pattern, methods := range s.server.routes() {
		for method, ro := range methods {
			if pattern == "/healthz" || pattern == "/readyz" {
				continue
			}
			body := ""
			if ro.body {
				body = "{}"
			}
			s.refuse(refusal{"", method, filled(pattern), headers{tenantHeader: "a"}, body, 503, fault.Canceled, "", "stopping"})
		}
	}
	write(`{"type":"conversation","id":"c","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z"}`)
	write(`{"type":"turn","sequence":1,"number":1,"state":"succeeded","started_at":"2026-01-02T03:04:05Z","ended_at":"2026-01-02T03:04:05Z","messages":[{"role":"user","parts":[{"text":"x"}]},{"role":"assistant","parts":[{"text":"y"}]}],"usage":{"input_tokens":0,"output_tokens":0}}`)
	write(`{"type":"end","conversations":1,"turns":1}`)
	_ = out.Close()
	resp := <-answered
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(b), `"conversations":1`) {
		t.Errorf("%d %s, %v", resp.StatusCode, b, err)
	}
	select {
	case err := <-maxDrain:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the drain does not end")
	}
}

// TestServer_Drain_blamesTheHost checks that an import that a drain cuts off gets an error that
// blames the host.
func TestServer_Drain_blamesTheHost(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	c := s.raw("POST /admin/v1/tenants/a/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + ndjsonType + "\r\nContent-Length: 1000000\r\n\r\n" +
		`{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}` + "\n")
	s.eventually("the request runs", func() bool {
		s.server.inflight.mu.Lock()
		defer s.server.inflight.mu.Unlock()
		return s.server.inflight.count == 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s.server.Drain(ctx) == nil {
		t.Error("nothing was cut off")
	}
	b, _ := io.ReadAll(c)
	if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 503") || !strings.Contains(got, `"party":"host"`) || !strings.Contains(got, "stopping") {
		t.Errorf("%s", got)
	}
}

// TestServer_Drain_cutsOffBodies checks that a drain responds to a caller that has sent only a part
// of its body, and does not wait for the rest of the body.
func TestServer_Drain_cutsOffBodies(t *testing.T) {
	for name, request := range map[string]string{
		"a body":  "POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"no body": "DELETE /admin/v1/cache HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Options{})
			s.register("a", nil)
			c := s.raw(request)
			s.eventually("the request runs", func() bool {
				s.server.inflight.mu.Lock()
				defer s.server.inflight.mu.Unlock()
				return s.server.inflight.count == 1
			})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if s.server.Drain(ctx) == nil {
				t.Error("nothing was cut off")
			}
			b, _ := io.ReadAll(c)
			if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 503") || !strings.Contains(got, `"party":"host"`) || !strings.Contains(got, "stopping") {
				t.Errorf("%q", got)
			}
		})
	}
}
