package api

import (
	"context"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/fault"
)

// TestServer_Drain checks the order of a drain: /readyz fails, new turns are refused, running turns
// finish, and then the listener closes.
func TestServer_Drain(t *testing.T) {
	s := serve(t, Options{})
	s.register("slow", echoWith(map[string]any{"tokens": 4, "token_delay_ms": 250}))
	s.get("/readyz", nil)
	_, r := s.open(t.Context(), "slow", chatBody("c", "m", "stream", true), nil)
	if e, _ := r.next(); e.name != EventDelta {
		t.Fatalf("%+v", e)
	}
	maxDrain := make(chan error, 1)
	go func() { maxDrain <- s.server.Drain(context.Background()) }()
	s.eventually("/readyz fails", func() bool { return s.request("GET", "/readyz", nil, "").StatusCode == 503 })
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
		t.Error("the listener is still open")
	}
}

// TestServer_Drain_cutsOff checks that a drain cuts off a turn that takes longer than the drain.
func TestServer_Drain_cutsOff(t *testing.T) {
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
