package openaillm

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

// TestModel_Chat_resultMedia checks that the media of results follow all results, in a message of the
// user, and come before what the user says.
func TestModel_Chat_resultMedia(t *testing.T) {
	result := func(id string, parts ...chat.Part) chat.Message {
		return chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: id, Parts: parts}}}}
	}
	image := chat.Part{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/a.png"}}
	for name, c := range map[string]struct {
		more []chat.Message
		want []string
	}{
		"at the end":         {nil, []string{"user", "assistant", "tool", "tool", "user parts"}},
		"before the user":    {[]chat.Message{chat.Text(chat.User, "Well?")}, []string{"user", "assistant", "tool", "tool", "user parts", "user"}},
		"before the system":  {[]chat.Message{chat.Text(chat.System, "Hurry.")}, []string{"user", "assistant", "tool", "tool", "user parts", "system"}},
		"before the replier": {[]chat.Message{chat.Text(chat.Assistant, "So."), chat.Text(chat.User, "Well?")}, []string{"user", "assistant", "tool", "tool", "user parts", "assistant", "user"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := kitServer(t)
			var got []string
			s.chat = func(w *stream, req *chatRequest) {
				for _, m := range req.Messages {
					role := m.Role
					if json.Valid(m.Content) && m.Content[0] == '[' {
						role += " parts"
					}
					got = append(got, role)
				}
				w.text("ok")
			}
			req := ask("Hi")
			req.Messages = append(req.Messages,
				chat.Message{Role: chat.Assistant, Parts: []chat.Part{{ToolCall: &chat.ToolCall{ID: "a", Name: "f"}}, {ToolCall: &chat.ToolCall{ID: "b", Name: "f"}}}},
				result("a", image), result("b", chat.Part{Text: "1"}))
			req.Messages = append(req.Messages, c.more...)
			if _, _, err := talk(t.Context(), s.model(nil), req); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}
