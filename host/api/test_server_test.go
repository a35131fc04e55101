package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
)

// messageBytes is limits.message_bytes of the hosts in tests.
const messageBytes = 2000

// testServer is a server in a test, with its host.
type testServer struct {
	*testing.T
	host   *host.Host
	server *Server
	url    string
	client *http.Client
}

// in returns the server for the subtest t, so that failures belong to the subtest.
func (s *testServer) in(t *testing.T) *testServer {
	sub := *s
	sub.T = t
	return &sub
}

// serve opens a host with real plugin processes and serves it until the test ends.
func serve(t *testing.T, o Options) *testServer { return serveHost(t, o, host.Options{}) }

func serveHost(t *testing.T, o Options, ho host.Options) *testServer {
	t.Helper()
	if ho.ConfigFile == "" && ho.Config == nil {
		ho.Config = map[string]any{
			"limits":   map[string]any{"message_bytes": messageBytes, "conversation_wait": 1},
			"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
		}
	}
	ho.PluginDirs = []string{pluginDir}
	h, err := host.Open(context.Background(), ho)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{T: t, host: h, server: New(h, o), url: "http://" + l.Addr().String(), client: &http.Client{Transport: &http.Transport{}}}
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(l) }()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.server.Drain(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *testServer) register(tenant string, settings map[string]any) {
	s.Helper()
	if err := s.host.Register(context.Background(), tenant, settings); err != nil {
		s.Fatal(err)
	}
}

// echoWith returns tenant settings with these keys for the echo model.
func echoWith(keys map[string]any) map[string]any { return map[string]any{"llm": keys} }

type headers map[string]string

// request sends a request. It sends a header whose value has line feeds once for each line of the
// value.
func (s *testServer) request(method, path string, h headers, body string) *http.Response {
	s.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, r)
	if err != nil {
		s.Fatal(err)
	}
	if method == "POST" || method == "PUT" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range h {
		req.Header.Del(name)
		switch {
		case name == "Host":
			req.Host = value
		case value != "":
			for v := range strings.SplitSeq(value, "\n") {
				req.Header.Add(name, v)
			}
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// call sends a request, checks the status of the response, and decodes the body into out.
func (s *testServer) call(method, path string, h headers, body string, status int, out any) *http.Response {
	s.Helper()
	resp := s.request(method, path, h, body)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	// On a busy machine, the judging of settings may take the time that a tenant has for it.
	if resp.StatusCode == http.StatusTooManyRequests && status != http.StatusTooManyRequests && bytes.Contains(b, []byte("settings have taken")) {
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Duration(wait) * time.Second)
		return s.call(method, path, h, body, status, out)
	}
	if resp.StatusCode != status {
		s.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, b)
	}
	if out != nil {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(out); err != nil {
			s.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return resp
}

// chatBody returns the body of a chat. The values in more are pairs of names and values of further
// fields.
func chatBody(conversation, message string, more ...any) string {
	m := map[string]any{"conversation_id": conversation, "message": message}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (s *testServer) chat(tenant, conversation, message string) ChatReply {
	s.Helper()
	var r ChatReply
	s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": tenant}, chatBody(conversation, message), 200, &r)
	return r
}

func (s *testServer) turns(tenant, conversation string) []Turn {
	s.Helper()
	var out Turns
	s.call("GET", "/api/v1/conversations/"+conversation+"/turns", headers{"X-Tenant-ID": tenant}, "", 200, &out)
	return out.Turns
}

// eventually waits until ok returns true, for at most 10 seconds.
func (s *testServer) eventually(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatal("never: " + what)
		}
	}
}

// raw opens a TCP connection and sends the text of a request, for requests that http.Client cannot
// send.
func (s *testServer) raw(request string) net.Conn {
	s.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		s.Fatal(err)
	}
	return c
}
