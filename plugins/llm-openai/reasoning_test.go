package openaillm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// TestModel_Chat_unreadableReasoning checks that a conversation goes on if the server cannot read the
// reasoning of earlier turns, and that the plugin repeats the request without reasoning only once.
func TestModel_Chat_unreadableReasoning(t *testing.T) {
	s := newServer(t)
	var asked []bool // whether a request had reasoning
	always := false
	s.responses = func(w *stream, req *responsesRequest) {
		has := false
		for _, item := range req.Input {
			has = has || item.Type == "reasoning"
		}
		asked = append(asked, has)
		if has || always {
			refuse(w, http.StatusBadRequest, map[string]any{"message": "The encrypted content could not be verified.", "code": "invalid_encrypted_content"})
			return
		}
		w.events(responsesPiece, `{"type":"response.completed","response":{"status":"completed"}}`)
	}
	m := s.model(byResponses)
	if parts, _, err := talk(t.Context(), m, conversation(m)); err != nil || len(parts) != 1 || len(asked) != 2 || !asked[0] || asked[1] {
		t.Errorf("%v, %v, %v", parts, asked, err)
	}
	always = true
	if _, _, err := talk(t.Context(), m, conversation(m)); !fault.Is(err, fault.Invalid) || len(asked) != 4 {
		t.Errorf("%v, %v", asked, err)
	}
}

// TestModel_Chat_keepReasoning checks that with keep_reasoning = false, reasoning has no provider state
// and requests have no reasoning.
func TestModel_Chat_keepReasoning(t *testing.T) {
	s := kitServer(t)
	for _, change := range []func(*Config){nil, byResponses} {
		m := s.model(func(c *Config) {
			if c.Options.KeepReasoning = ptr(false); change != nil {
				change(c)
			}
		})
		req := conversation(m)
		req.Tools, req.ToolChoice = nil, ask("").ToolChoice
		if _, _, err := talk(t.Context(), m, req); err != nil {
			t.Fatal(err)
		}
		if body := s.body(); strings.Contains(body, "hm") || strings.Contains(body, "gAAA") || !strings.Contains(body, "I look.") {
			t.Errorf("%s", body)
		}
	}
	s.chat = func(w *stream, _ *chatRequest) {
		w.events(`{"choices":[{"delta":{"reasoning":"hm"}}]}`, `{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`)
	}
	parts, _, err := talk(t.Context(), s.model(func(c *Config) { c.Options.KeepReasoning = ptr(false) }), ask("Hi"))
	if err != nil || len(parts) != 2 || parts[0].Kind() != chat.KindReasoning || parts[0].State != nil {
		t.Errorf("%+v, %v", parts, err)
	}
}
