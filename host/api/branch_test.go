package api

import "testing"

// TestBranch copies a conversation of which turns were retracted, and checks who may copy what.
func TestBranch(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", map[string]any{})
	of := headers{tenantHeader: "a"}
	say := func(body string) {
		t.Helper()
		s.call("POST", "/api/v1/chat", of, body, 200, nil)
	}
	say(`{"conversation_id":"c","user_id":"u","message":"one"}`)
	say(`{"conversation_id":"c","user_id":"u","message":"two"}`)
	say(`{"conversation_id":"c","user_id":"u","message":"instead of two","retract_from":2}`)
	say(`{"conversation_id":"c","user_id":"u","message":"four"}`)
	const path = "/api/v1/conversations/c/branches"
	want := Branch{ConversationID: "d", Turns: 2, BranchOf: "c", BranchAt: 3}
	for range 2 { // a repeated request has the same answer
		var got Branch
		s.call("POST", path, of, `{"conversation_id":"d","user_id":"u","through":3}`, 200, &got)
		if got != want {
			t.Errorf("%+v; want %+v", got, want)
		}
	}
	var messages Messages
	s.call("GET", "/api/v1/conversations/d?user_id=u", of, "", 200, &messages)
	if n := len(messages.Messages); n != 4 || messages.Messages[2].Content != "instead of two" {
		t.Errorf("the branch has %+v", messages.Messages)
	}
	say(`{"conversation_id":"d","user_id":"u","message":"on the branch"}`)
	var source Messages
	s.call("GET", "/api/v1/conversations/c?user_id=u", of, "", 200, &source)
	if n := len(source.Messages); n != 6 {
		t.Errorf("the source has %d messages; want 6", n)
	}
	for _, try := range []struct {
		name, body string
		status     int
		field      string
	}{
		{"of another user", `{"conversation_id":"e","user_id":"v"}`, 404, ""},
		{"into one that exists", `{"conversation_id":"d","user_id":"u","through":1}`, 409, "conversation_id"},
		{"into itself", `{"conversation_id":"c","user_id":"u"}`, 422, "conversation_id"},
		{"up to a retracted turn", `{"conversation_id":"e","user_id":"u","through":2}`, 409, "through"},
		{"up to no turn", `{"conversation_id":"e","user_id":"u","through":9}`, 409, "through"},
		{"up to turn 0", `{"conversation_id":"e","user_id":"u","through":0}`, 422, "through"},
		{"without an id", `{"user_id":"u"}`, 422, "conversation_id"},
	} {
		t.Run(try.name, func(t *testing.T) {
			var p Problem
			s.call("POST", path, of, try.body, try.status, &p)
			if p.Path != try.field {
				t.Errorf("at %q; want %q", p.Path, try.field)
			}
		})
	}
	s.call("POST", "/api/v1/conversations/none/branches", of, `{"conversation_id":"e"}`, 404, nil)
	s.call("POST", path, of, `{"conversation_id":"all"}`, 200, &want)
	if want.Turns != 3 || want.BranchAt != 4 {
		t.Errorf("without a number: %+v", want)
	}
}
