package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

func TestMiddleware_requestID(t *testing.T) {
	s := serve(t, Options{})
	for given, kept := range map[string]bool{"abc-1.2_3": true, "": false, "a b": false, strings.Repeat("x", 200): false} {
		t.Run(given, func(t *testing.T) {
			got := s.in(t).call("GET", "/healthz", headers{"X-Request-ID": given}, "", 200, nil).Header.Get("X-Request-ID")
			if got == "" || (got == given) != kept {
				t.Errorf("the id of the request is %q", got)
			}
		})
	}
}

func TestMiddleware_panic(t *testing.T) {
	var log strings.Builder
	h := (&Server{log: hclog.New(&hclog.LoggerOptions{Output: &log})}).middleware(toHandler(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/begun" {
			w.WriteHeader(200)
		}
		panic("oh no, a secret")
	}))
	s := &testServer{T: t, client: &http.Client{}}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	s.url = "http://" + l.Addr().String()
	p := s.refuse(refusal{"", "GET", "/x", headers{"X-Request-ID": "request-7"}, "", 500, fault.Internal, "", "log"})
	if resp, err := s.client.Get(s.url + "/begun"); err == nil {
		var b [1]byte
		if _, err := resp.Body.Read(b[:]); err == nil || err.Error() == "EOF" {
			t.Error("an incomplete response looks complete")
		}
		resp.Body.Close()
	}
	s.client.CloseIdleConnections()
	server.Close()
	if strings.Contains(p.Detail, "secret") || p.RequestID != "request-7" || !strings.Contains(log.String(), "request_id=request-7") || !strings.Contains(log.String(), "oh no") {
		t.Errorf("%+v\n%s", p, log.String())
	}
}

func TestMiddleware_logsFailedTurns(t *testing.T) {
	const said = "what nobody else reads"
	var log logBuffer
	s := serve(t, Options{Log: infoLog(&log)})
	s.register("fails", echoWith(map[string]any{"tokens": 5, "fail": map[string]any{"class": "provider_failed", "after_tokens": 2, "message": "away"}}))
	s.register("works", echoWith(map[string]any{"tokens": 1}))
	ask := func(tenant, id, body string) {
		resp := s.request("POST", "/api/v1/chat", headers{"X-Tenant-ID": tenant, "X-Request-ID": id}, body)
		var all [1 << 16]byte
		for {
			if _, err := resp.Body.Read(all[:]); err != nil {
				break
			}
		}
		_ = resp.Body.Close()
	}
	ask("works", "well", chatBody("c", said))
	ask("fails", "at-once", chatBody("c", said))
	ask("fails", "streamed", chatBody("c", said, "stream", true))
	ask("works", "malformed", `{"conversation_id":"c","message":"x","`+said+`":"`+said+`"}`)
	ask("nobody", "unknown", chatBody("c", said))
	want := map[string][3]string{
		"at-once": {"fails", "provider_failed", "provider"}, "streamed": {"fails", "provider_failed", "provider"},
		"malformed": {"works", "invalid", "caller"}, "unknown": {"nobody", "not_found", "caller"},
	}
	s.eventually("all are logged", func() bool { return len(log.lines(t, "turn failed")) >= len(want) })
	for _, e := range log.lines(t, "turn failed") {
		id := e["request_id"].(string)
		if got := [3]string{e["tenant"].(string), e["class"].(string), e["party"].(string)}; got != want[id] {
			t.Errorf("%s: %v, want %v", id, got, want[id])
		}
		if level := map[bool]string{true: "info", false: "warn"}[e["party"] == "caller"]; e["@level"] != level {
			t.Errorf("%s is at %v", id, e["@level"])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Errorf("not logged: %v", want)
	}
	if strings.Contains(log.String(), said) {
		t.Errorf("the log has contents of the conversation:\n%s", &log)
	}
}
