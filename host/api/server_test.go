package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// TestDrain holds the order of an end: not ready, no new turns, those at work to
// their end, then the listener.
func TestDrain(t *testing.T) {
	s := serve(t, Options{})
	s.register("slow", echoWith(map[string]any{"tokens": 4, "token_delay_ms": 250}))
	s.get("/readyz", nil)
	_, r := s.open(t.Context(), "slow", chatBody("c", "m", "stream", true), nil)
	if e, _ := r.next(); e.name != EventDelta {
		t.Fatalf("%+v", e)
	}
	maxDrain := make(chan error, 1)
	go func() { maxDrain <- s.server.Drain(context.Background()) }()
	s.eventually("not ready", func() bool { return s.request("GET", "/readyz", nil, "").StatusCode == 503 })
	s.get("/healthz", nil)
	p := s.refuse(refusal{"", "POST", "/api/v1/chat", headers{"X-Tenant-ID": "slow"}, chatBody("d", "m"), 503, fault.Canceled, "", "stopping"})
	if !p.Retryable || p.Party != "host" || p.RetryAfterMS == 0 {
		t.Errorf("%+v", p)
	}
	select {
	case err := <-maxDrain:
		t.Fatalf("drained with a turn at work: %v", err)
	default:
	}
	if text, _, _, last := r.read(); last.name != EventDone || text != "one two three " {
		t.Errorf("%q, %+v", text, last)
	}
	if err := <-maxDrain; err != nil {
		t.Error(err)
	}
	s.client.CloseIdleConnections()
	if resp, err := s.client.Get(s.url + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("the listener is still there")
	}
}

// TestDrainCutsOff a turn that takes longer than it has.
func TestDrainCutsOff(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 4, "hang_after_tokens": 1}))
	_, r := s.open(t.Context(), "hangs", chatBody("c", "m", "stream", true), nil)
	if e, _ := r.next(); e.name != EventDelta {
		t.Fatalf("%+v", e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.server.Drain(ctx); err == nil {
		t.Error("nothing was cut off")
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	_, _, _, last := r.read()
	var p Problem
	r.json(last, &p)
	if last.name != EventError || p.Class != "canceled" || p.Party != "host" || !p.Retryable {
		t.Errorf("%+v", last)
	}
	lease, err := s.host.Bot(t.Context(), "hangs")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	page, err := lease.Turns(t.Context(), bot.TurnsRequest{Conversation: "c", Limit: 10, All: true})
	if err != nil || len(page.Turns) != 1 || page.Turns[0].State.String() != "interrupted" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestCache(t *testing.T) {
	s := serve(t, Options{})
	var cache Cache
	if s.get("/admin/v1/cache", &cache); cache.Cached == nil || len(cache.Cached) != 0 {
		t.Errorf("%+v", cache)
	}
	for _, id := range []string{"a", "b", "c"} {
		s.register(id, nil)
		s.chat(id, "c", "m")
	}
	s.chat("a", "c", "m")
	s.get("/admin/v1/cache", &cache)
	if len(cache.Cached) != 3 || cache.Cached[2].Tenant != "a" || cache.Cached[0].Revision == "" || cache.Cached[0].ExpiresAt == nil {
		t.Errorf("%+v", cache)
	}
	var one CachedBot
	if s.get("/admin/v1/cache/b", &one); one.Tenant != "b" {
		t.Errorf("%+v", one)
	}
	s.call("DELETE", "/admin/v1/cache/b", nil, "", 204, nil)
	s.refuse(refusal{"", "GET", "/admin/v1/cache/b", nil, "", 404, fault.NotFound, "", "cached"})
	s.refuse(refusal{"", "DELETE", "/admin/v1/cache/b", nil, "", 404, fault.NotFound, "", "cached"})
	s.refuse(refusal{"", "DELETE", "/admin/v1/cache/a%2fb", nil, "", 400, fault.Invalid, "id", ""})
	if s.chat("b", "c", "m").Bot.Cached {
		t.Error("evicted, and cached")
	}
	var removed struct{ Removed int }
	if s.call("DELETE", "/admin/v1/cache", nil, "", 200, &removed); removed.Removed != 3 {
		t.Errorf("%+v", removed)
	}
	if s.chat("a", "c", "m").Bot.Cached {
		t.Error("cleared, and cached")
	}
}

func TestPlugins(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.chat("a", "c", "m")
	var list Plugins
	s.get("/admin/v1/plugins", &list)
	kinds := ""
	for _, p := range list.Plugins {
		kinds += p.Kind + "-" + p.Name + " "
		if p.PID == 0 || p.Version == "" || p.State != plugins.Ready || p.Instances != 1 || p.Restarts != 0 {
			t.Errorf("%+v", p)
		}
	}
	if kinds != "llm-echo memory-buffer storage-memory " {
		t.Errorf("%s", kinds)
	}
}

func TestPanic(t *testing.T) {
	var log strings.Builder
	h := (&Server{log: hclog.New(&hclog.LoggerOptions{Output: &log})}).middleware(toHandler(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == "/begun" {
			w.WriteHeader(200)
		}
		panic("oh no, a secret")
	}))
	s := &site{T: t, client: &http.Client{}}
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
			t.Error("an answer that broke off looks whole")
		}
		resp.Body.Close()
	}
	s.client.CloseIdleConnections()
	server.Close()
	if strings.Contains(p.Detail, "secret") || p.RequestID != "request-7" || !strings.Contains(log.String(), "request_id=request-7") || !strings.Contains(log.String(), "oh no") {
		t.Errorf("%+v\n%s", p, log.String())
	}
}
