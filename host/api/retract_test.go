package api

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestChat_retractFrom checks that turns that were taken back are shown to no model and in no list,
// except to callers that ask for all.
func TestChat_retractFrom(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	h := headers{"X-Tenant-ID": "a"}
	for _, text := range []string{"one", "two", "three"} {
		s.chat("a", "c", text)
	}
	var r ChatReply
	s.call("POST", "/api/v1/chat", h, chatBody("c", "four", "retract_from", 2), 200, &r)
	if r.Turn != 4 || !strings.Contains(r.Reply, `2 earlier messages, the first: "one"`) {
		t.Errorf("%+v", r)
	}
	for name, from := range map[string]int{"again": 2, "a number of no turn": 9} {
		p := s.refuse(refusal{name, "POST", "/api/v1/chat", h, chatBody("c", "five", "retract_from", from), 409, fault.Conflict, "retract_from", "has no turn of that number, or has it retracted"})
		if p.Retryable {
			t.Errorf("%+v", p)
		}
	}
	s.refuse(refusal{"no conversation", "POST", "/api/v1/chat", h, chatBody("d", "one", "retract_from", 1), 409, fault.Conflict, "retract_from", ""})
	var turns Turns
	s.call("GET", "/api/v1/conversations/c/turns", h, "", 200, &turns)
	if got := turns.Turns; len(got) != 2 || *got[0].Turn != 1 || *got[1].Turn != 4 || got[1].RetractFrom != 2 {
		t.Errorf("turns: %+v", got)
	}
	s.call("GET", "/api/v1/conversations/c/turns?all=true", h, "", 200, &turns)
	if got := turns.Turns; len(got) != 4 || got[0].Retracted || !got[1].Retracted || !got[2].Retracted || got[3].Retracted {
		t.Errorf("all turns: %+v", got)
	}
	var messages Messages
	s.call("GET", "/api/v1/conversations/c", h, "", 200, &messages)
	if got := messages.Messages; len(got) != 4 || got[0].Content != "one" || got[2].Content != "four" {
		t.Errorf("messages: %+v", got)
	}
	// What the models saw is rebuilt as it was then.
	for turn, want := range map[string]string{"3": "one|two|three", "4": "one|four"} {
		var shown InspectedTurn
		s.call("GET", "/admin/v1/tenants/a/conversations/c/turns/"+turn+"?compose=true", nil, "", 200, &shown)
		var said []string
		for _, m := range shown.ModelInput {
			if m.Role == "user" {
				said = append(said, m.Content)
			}
		}
		if strings.Join(said, "|") != want || len(shown.Gaps) > 0 {
			t.Errorf("turn %s: %q, %q", turn, said, shown.Gaps)
		}
	}
}
