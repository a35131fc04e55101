package api

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// messagesBody returns the body of a chat with these fields beside the id of the conversation.
func messagesBody(conversation, fields string) string {
	return fmt.Sprintf(`{"conversation_id":%q,%s}`, conversation, fields)
}

// TestChat_toolCalls checks that a reply carries the model's calls of the client's tools, streamed or
// not, and that the next chat brings their results.
func TestChat_toolCalls(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	h := headers{"X-Tenant-ID": "a", "Idempotency-Key": "k"}
	body := messagesBody("c", `"message":"Call weather {\"city\":\"Rome\"}\nCall time","tools":[{"name":"weather","description":"d","parameters":{"type":"object"}},{"name":"time"}]`)
	var r, again ChatReply
	s.call("POST", "/api/v1/chat", h, body, 200, &r)
	if r.FinishReason != "tool_calls" || len(r.ToolCalls) != 2 || r.ToolCalls[0].Name != "weather" || r.ToolCalls[0].Arguments != `{"city":"Rome"}` || r.ToolCalls[0].ID == "" {
		t.Fatalf("%+v", r)
	}
	s.call("POST", "/api/v1/chat", h, body, 200, &again)
	if len(again.ToolCalls) != 2 || again.ToolCalls[1].ID != r.ToolCalls[1].ID {
		t.Errorf("replayed %+v", again)
	}
	ofA := headers{"X-Tenant-ID": "a"}
	s.refuse(refusal{"", "POST", "/api/v1/chat", ofA, chatBody("c", "hello"), 422, fault.Invalid, "message", "wait for their results"})
	s.refuse(refusal{"", "POST", "/api/v1/chat", ofA, messagesBody("c", `"messages":[{"role":"tool","tool_call_id":"x","content":"1"}]`), 422, fault.Invalid, "messages.0.tool_call_id", "expected results for " + r.ToolCalls[0].ID})
	results := fmt.Sprintf(`"messages":[{"role":"tool","tool_call_id":%q,"content":"18"},{"role":"tool","tool_call_id":%q,"parts":[{"text":"noon"}],"is_error":true}]`, r.ToolCalls[0].ID, r.ToolCalls[1].ID)
	again = ChatReply{}
	s.call("POST", "/api/v1/chat", ofA, messagesBody("c", results), 200, &again)
	if again.Reply != `The tools said: "18", "noon".` || again.Turn != 2 || again.ToolCalls != nil {
		t.Errorf("%+v", again)
	}
	turns := s.turns("a", "c")
	if last := turns[len(turns)-1]; len(last.Messages) != 3 || last.Messages[1].Role != chat.Tool || !last.Messages[1].Parts[0].ToolResult.IsError {
		t.Errorf("kept %+v", last)
	}

	_, events := s.open(t.Context(), "a", messagesBody("d", `"message":"Call time","stream":true,"tools":[{"name":"time"}],"tool_choice":{"name":"time"}`), nil)
	var call chat.ToolCall
	first, _ := events.next()
	events.json(first, &call)
	last, _ := events.next()
	events.json(last, &r)
	if first.name != EventToolCall || call.Name != "time" || last.name != EventDone || len(r.ToolCalls) != 1 || r.ToolCalls[0].ID != call.ID {
		t.Errorf("%+v, then %+v", first, last)
	}
}

// TestChat_messages checks that several messages with texts and media reach the model and the log.
func TestChat_messages(t *testing.T) {
	s := serve(t, Options{})
	s.register("shows", echoWith(map[string]any{"show_request": true}))
	data := base64.StdEncoding.EncodeToString([]byte("\x89PNG"))
	var r ChatReply
	s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "shows"}, messagesBody("c", `"messages":[{"role":"user","content":"one"},{"role":"user","parts":[{"text":"two"},
		{"media":{"kind":"image","media_type":"image/png","data":"`+data+`","name":"a.png"}},{"media":{"kind":"file","url":"https://example.org/a.pdf"}}]}]`), 200, &r)
	for _, part := range []string{`"text":"one"`, `"text":"two"`, `"data":"` + data + `","name":"a.png"`, `"kind":"file","url":"https://example.org/a.pdf"`} {
		if !strings.Contains(r.Reply, part) {
			t.Errorf("the model did not see %s: %s", part, r.Reply)
		}
	}
	if m := s.turns("shows", "c")[0].Messages; len(m) != 3 || string(m[1].Parts[1].Media.Data) != "\x89PNG" {
		t.Errorf("kept %+v", m)
	}
}

// TestChat_refusedMessages checks the refusals of messages and tools, and that nothing begins.
//
// beyond: messages of a turn
// beyond: tools of a turn
func TestChat_refusedMessages(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("simple", echoWith(map[string]any{"takes": map[string]any{"tools": false, "media": []string{}}}))
	user := `{"role":"user","content":"u"}`
	image := `{"role":"user","parts":[{"media":{"kind":"image","media_type":"image/png","data":"%s"}}]}`
	tools := func(n, size int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"name":"t%d","description":%q}`, i, strings.Repeat("x", size)))
		}
		return `"message":"hi","tools":[` + strings.Join(all, ",") + `]`
	}
	for _, c := range []struct {
		name, fields string
		status       int
		class        fault.Class
		at           string
	}{
		{"both", `"message":"hi","messages":[` + user + `]`, 422, fault.Invalid, "messages"},
		{"neither", `"user_id":"u"`, 422, fault.Invalid, "message"},
		{"an empty list", `"messages":[]`, 400, fault.Invalid, "messages"},
		{"no list", `"messages":{}`, 400, fault.Invalid, "messages"},
		{"no object", `"messages":["hi"]`, 400, fault.Invalid, "messages.0"},
		{"an unknown name", `"messages":[{"role":"user","text":"hi"}]`, 400, fault.Invalid, "messages.0.text"},
		{"no role", `"messages":[{"content":"hi"}]`, 400, fault.Invalid, "messages.0.role"},
		{"another role", `"messages":[{"role":"system","content":"hi"}]`, 422, fault.Invalid, "messages.0.role"},
		{"content and parts", `"messages":[{"role":"user","content":"hi","parts":[]}]`, 400, fault.Invalid, "messages.0"},
		{"an empty text", `"messages":[{"role":"user","content":""}]`, 422, fault.Invalid, "messages.0.content"},
		{"text and media", `"messages":[{"role":"user","parts":[{"text":"a","media":{"kind":"image","url":"https://a"}}]}]`, 400, fault.Invalid, "messages.0.parts.0"},
		{"no base64", `"messages":[{"role":"user","parts":[{"media":{"kind":"image","data":"!"}}]}]`, 400, fault.Invalid, "messages.0.parts.0.media.data"},
		{"data and url", `"messages":[{"role":"user","parts":[{"media":{"kind":"image","data":"aa==","media_type":"a","url":"https://a"}}]}]`, 422, fault.Invalid, "messages.0.parts.0.media"},
		{"no type", `"messages":[{"role":"user","parts":[{"media":{"kind":"image","data":"aa=="}}]}]`, 422, fault.Invalid, "messages.0.parts.0.media.media_type"},
		{"another kind", `"messages":[{"role":"user","parts":[{"media":{"kind":"smell","url":"https://a"}}]}]`, 422, fault.Invalid, "messages.0.parts.0.media.kind"},
		{"a file of the host", `"messages":[{"role":"user","parts":[{"media":{"kind":"image","url":"file:///etc/passwd"}}]}]`, 422, fault.Invalid, "messages.0.parts.0.media.url"},
		{"a long address", `"messages":[{"role":"user","parts":[{"media":{"kind":"image","url":"https://a/` + strings.Repeat("x", bounds.MediaURLBytes) + `"}}]}]`, 422, fault.Invalid, "messages.0.parts.0.media.url"},
		{"much text", `"messages":[{"role":"user","content":"` + strings.Repeat("x", messageBytes) + `"},` + user + `]`, 422, fault.Invalid, "messages"},
		{"many messages", `"messages":[` + strings.Repeat(user+",", sdk.MaxBeginMessages) + user + `]`, 422, fault.Invalid, "messages"},
		{"much media", `"messages":[` + fmt.Sprintf(image, strings.Repeat("aaaa", sdk.MaxBeginBytes/3)) + `]`, 422, fault.Invalid, "messages"},
		{"an id of no result", `"messages":[{"role":"user","content":"a","tool_call_id":"1"}]`, 400, fault.Invalid, "messages.0.tool_call_id"},
		{"a result without an id", `"messages":[{"role":"tool","content":"a"}]`, 400, fault.Invalid, "messages.0.tool_call_id"},
		{"a late result", `"messages":[` + user + `,{"role":"tool","tool_call_id":"1","content":"a"}]`, 422, fault.Invalid, "messages.1.role"},
		{"tools without a name", `"message":"hi","tools":[{"description":"d"}]`, 422, fault.Invalid, "tools.0.name"},
		{"tools of one name", `"message":"hi","tools":[{"name":"a"},{"name":"a"}]`, 422, fault.Invalid, "tools.1.name"},
		{"parameters of another type", `"message":"hi","tools":[{"name":"a","parameters":[]}]`, 400, fault.Invalid, "tools.0.parameters"},
		{"many tools", tools(bounds.Tools+1, 0), 422, fault.Invalid, "tools"},
		{"large tools", tools(2, bounds.ToolsBytes/2), 422, fault.Invalid, "tools"},
		{"a choice without tools", `"message":"hi","tool_choice":"required"`, 422, fault.Invalid, "tool_choice"},
		{"an unknown choice", `"message":"hi","tool_choice":"maybe"`, 400, fault.Invalid, "tool_choice"},
		{"a choice of no tool", `"message":"hi","tools":[{"name":"a"}],"tool_choice":{"name":"b"}`, 422, fault.Invalid, "tool_choice"},
		{"no turn", `"message":"hi","retract_from":0`, 422, fault.Invalid, "retract_from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			s.refuse(refusal{c.name, "POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, messagesBody("c", c.fields), c.status, c.class, c.at, ""})
		})
	}
	simple := headers{"X-Tenant-ID": "simple"}
	s.refuse(refusal{"", "POST", "/api/v1/chat", simple, messagesBody("c", `"message":"hi","tools":[{"name":"a"}]`), 422, fault.Unsupported, "tools", "takes no tools"})
	s.refuse(refusal{"", "POST", "/api/v1/chat", simple, messagesBody("c", `"messages":[`+user+`,`+fmt.Sprintf(image, "aaaa")+`]`), 422, fault.Unsupported, "messages.1.parts.0", "takes no media"})
	for _, tenant := range []string{"a", "simple"} {
		s.refuse(refusal{"", "GET", "/api/v1/conversations/c/turns", headers{"X-Tenant-ID": tenant}, "", 404, fault.NotFound, "", ""})
	}
}
