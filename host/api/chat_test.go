package api

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
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
	if r.json(last, &done); !reflect.DeepEqual(done, first) || first.FinishReason != "stop" || first.Model != "echo" {
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

// TestChat_idempotencyOfEachField checks that a request with the key of an earlier one is answered again
// if it is equal, and refused if it differs in one field. The test fails for a field of the body without
// a row.
func TestChat_idempotencyOfEachField(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", map[string]any{"conversations": map[string]any{"owner": "tenant"}, "prompts": map[string]any{"named": map[string]any{"p": "P.", "q": "Q."}}})
	h := headers{"X-Tenant-ID": "a"}
	s.chat("a", "c", "one")
	s.chat("a", "c", "two")
	h["Idempotency-Key"] = "k"
	fields := func() map[string]any {
		return map[string]any{
			"conversation_id": "c", "user_id": "u", "metadata": map[string]any{"a": 1}, "retract_from": 2, "stream": false, "prompt": "p",
			"messages": []any{map[string]any{"role": "user", "content": "hi"}}, "tool_choice": "auto",
			"tools": []any{map[string]any{"name": "time", "description": "d", "parameters": map[string]any{"type": "object"}}},
		}
	}
	body := func(change func(map[string]any)) string {
		f := fields()
		change(f)
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	same := func(map[string]any) {}
	var first, again ChatReply
	s.call("POST", "/api/v1/chat", h, body(same), 200, &first)
	s.call("POST", "/api/v1/chat", h, body(same), 200, &again)
	if again.Turn != 3 || again.Turn != first.Turn || again.Reply != first.Reply {
		t.Errorf("%+v, then %+v", first, again)
	}

	// A request with another value of these fields is another turn, or the field does not change the turn.
	tested := map[string]bool{"conversation_id": true, "stream": true}
	for field, value := range map[string]any{
		"user_id": "v", "metadata": map[string]any{"a": 2}, "retract_from": 1, "tool_choice": "none", "message": "hi", "prompt": "q",
		"messages": []any{map[string]any{"role": "user", "content": "ho"}},
		"tools":    []any{map[string]any{"name": "time", "description": "e", "parameters": map[string]any{"type": "object"}}},
	} {
		tested[field] = true
		changes := map[string]func(map[string]any){"another " + field: func(f map[string]any) {
			if f[field] = value; field == "message" {
				delete(f, "messages")
			}
		}}
		if field != "messages" && field != "message" {
			changes["no "+field] = func(f map[string]any) {
				if delete(f, field); field == "tool_choice" {
					delete(f, "tools")
				}
			}
		}
		for name, change := range changes {
			t.Run(name, func(t *testing.T) {
				s.in(t).refuse(refusal{"", "POST", "/api/v1/chat", h, body(change), 422, fault.Invalid, "Idempotency-Key", "another request"})
			})
		}
	}
	p := s.refuse(refusal{"", "POST", "/api/v1/chat", h, body(func(f map[string]any) { f["unknown"] = 1 }), 400, fault.Invalid, "unknown", "is not a field"})
	_, list, _ := strings.Cut(p.Detail, "expected ")
	for _, field := range strings.Split(list, ", ") {
		if !tested[field] {
			t.Errorf("the field %q is in no row", field)
		}
	}
	if turns := s.turns("a", "c"); len(turns) != 2 {
		t.Errorf("%d turns", len(turns))
	}
}
