package api

import (
	"context"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestChat_idempotency(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	h := headers{"X-Tenant-ID": "a", "Idempotency-Key": "k1"}
	var first, again ChatReply
	resp := s.call("POST", "/api/v1/chat", h, chatBody("c", "hello"), 200, &first)
	if resp.Header.Get(replayedHeader) != "" {
		t.Error("the first response is marked as replayed")
	}
	resp = s.call("POST", "/api/v1/chat", h, chatBody("c", "hello"), 200, &again)
	first.Bot.Cached = true
	if resp.Header.Get(replayedHeader) != "true" || !reflect.DeepEqual(again, first) {
		t.Errorf("%+v, then %+v", first, again)
	}
	streamed, r := s.open(t.Context(), "a", chatBody("c", "hello", "stream", true), headers{"Idempotency-Key": "k1"})
	text, deltas, _, last := r.read()
	var done ChatReply
	if r.json(last, &done); !reflect.DeepEqual(done, first) || first.FinishReason != "stop" || first.Model != "echo" || first.Timings.LLMMS <= 0 {
		t.Errorf("%+v, then %+v", first, done)
	}
	if streamed.Header.Get(replayedHeader) != "true" || deltas != 1 || text != first.Reply || last.name != EventDone {
		t.Errorf("%q in %d deltas, %+v", text, deltas, last)
	}
	if turns := s.turns("a", "c"); len(turns) != 1 || turns[0].IdempotencyKey != "k1" {
		t.Errorf("%+v", turns)
	}
	s.refuse(refusal{"", "POST", "/api/v1/chat", h, chatBody("c", "another"), 422, fault.Invalid, "Idempotency-Key", "another request"})

	s.register("hangs", echoWith(map[string]any{"hang_after_tokens": 1}))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	_, r = s.open(ctx, "hangs", chatBody("c", "hello", "stream", true), headers{"Idempotency-Key": "k"})
	if e, _ := r.next(); e.name != EventDelta {
		t.Fatalf("%+v", e)
	}
	p := s.refuse(refusal{"", "POST", "/api/v1/chat", headers{"X-Tenant-ID": "hangs", "Idempotency-Key": "k"}, chatBody("c", "hello"), 409, fault.Conflict, "Idempotency-Key", ""})
	if !p.Retryable || p.RetryAfterMS == 0 {
		t.Errorf("%+v", p)
	}
	// A chat with another message in the same conversation waits, and fails after a while.
	p = s.refuse(refusal{"", "POST", "/api/v1/chat", headers{"X-Tenant-ID": "hangs"}, chatBody("c", "hello"), 409, fault.Conflict, "", ""})
	if !p.Retryable || p.RetryAfterMS == 0 {
		t.Errorf("%+v", p)
	}
}
