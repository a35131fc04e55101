package openaillm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_Chat_resultMedia checks that the media of tool results follow all results in a user message
// of their own, before the next text of the user.
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

// TestModel_Chat_replyMedia checks that a conversation goes on after a reply with media, which another
// model made: they follow in a message of the user, after the results of the reply's calls.
func TestModel_Chat_replyMedia(t *testing.T) {
	image := func(name string) chat.Part {
		return chat.Part{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/" + name}}
	}
	call := chat.Part{ToolCall: &chat.ToolCall{ID: "c", Name: "f"}}
	result := chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "c", Parts: []chat.Part{{Text: "1"}}}}}}
	reply := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.Assistant, Parts: parts} }
	user := chat.Text(chat.User, "Well?")
	for name, c := range map[string]struct {
		more []chat.Message
		want string // the messages, and the media in them
	}{
		"before the user":   {[]chat.Message{reply(chat.Part{Text: "Look:"}, image("a"), image("b")), user}, "user; assistant; user note a b; user"},
		"nothing but media": {[]chat.Message{reply(image("a")), user}, "user; assistant; user note a; user"},
		"at the end":        {[]chat.Message{reply(chat.Part{Text: "x"}, image("a"))}, "user; assistant; user note a"},
		"with a call":       {[]chat.Message{reply(image("a"), call), result, user}, "user; assistant; tool; user note a; user"},
		"before a reply":    {[]chat.Message{reply(image("a"), call), result, reply(chat.Part{Text: "x"}), user}, "user; assistant; tool; user note a; assistant; user"},
		"before the system": {[]chat.Message{reply(chat.Part{Text: "x"}, image("a")), chat.Text(chat.System, "s"), user}, "user; assistant; user note a; system; user"},
		"twice":             {[]chat.Message{reply(chat.Part{Text: "x"}, image("a")), reply(chat.Part{Text: "y"}, image("b")), user}, "user; assistant; user note a; assistant; user note b; user"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(*Config){nil, byResponses} {
				s := kitServer(t)
				m := s.model(change)
				req := &llm.Request{Messages: append(ask("Hi").Messages, c.more...)}
				if _, _, err := talk(t.Context(), m, req); err != nil {
					t.Fatal(err)
				}
				want := c.want
				if m.responses { // has no message for a reply of media only
					want = strings.NewReplacer("assistant; tool", "function_call; function_call_output").Replace(want)
					if name == "nothing but media" {
						want = "user; user note a; user"
					}
				}
				if got := outline(t, s.body()); got != want {
					t.Errorf("%s\nwant %s\n%s", got, want, s.body())
				}
			}
		})
	}
}

// outline returns the roles or types of the messages of a request, with the media in them.
func outline(t *testing.T, body string) string {
	t.Helper()
	type message struct {
		Role, Type string
		Content    json.RawMessage
	}
	var sent struct{ Messages, Input []message }
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range append(sent.Messages, sent.Input...) {
		line := m.Role
		if line == "" {
			line = m.Type
		}
		if strings.Contains(string(m.Content), replyMedia) {
			line += " note"
		}
		for _, name := range []string{"a", "b"} {
			if strings.Contains(string(m.Content), "https://example.org/"+name) {
				line += " " + name
			}
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}
