package anthropic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

func call(id, name, arguments string) chat.Part {
	return chat.Part{ToolCall: &chat.ToolCall{ID: id, Name: name, Arguments: arguments}}
}

func result(id string, parts ...chat.Part) chat.Part {
	return chat.Part{ToolResult: &chat.ToolResult{ToolCallID: id, Parts: parts}}
}

func message(role chat.Role, parts ...chat.Part) chat.Message {
	return chat.Message{Role: role, Parts: parts}
}

// TestModel_Chat_messages checks the messages of the requests that the plugin sends.
func TestModel_Chat_messages(t *testing.T) {
	text := func(s string) chat.Part { return chat.Part{Text: s} }
	media := func(m chat.Media) chat.Part { return chat.Part{Media: &m} }
	for name, c := range map[string]struct {
		citations    bool
		messages     []chat.Message
		system, want string
	}{
		"system": {messages: []chat.Message{chat.Text(chat.System, "a"), message(chat.System, text("b"), text(" ")), chat.Text(chat.User, "Hi")},
			system: `[{"type":"text","text":"a"},{"type":"text","text":"b"}]`, want: `[{"role":"user","content":[{"type":"text","text":"Hi"}]}]`},
		"a later system message": {messages: []chat.Message{chat.Text(chat.User, "Hi"), chat.Text(chat.System, "Be brief.")},
			want: `[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"system","content":[{"type":"text","text":"Be brief."}]}]`},
		"neighbours of a role": {messages: []chat.Message{chat.Text(chat.User, "a"), chat.Text(chat.User, "b"), chat.Text(chat.Assistant, "c"), chat.Text(chat.Assistant, "d"), chat.Text(chat.User, "e")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]},{"role":"user","content":[{"type":"text","text":"e"}]}]`},
		"a cut front": {messages: []chat.Message{chat.Text(chat.Assistant, "c"), chat.Text(chat.User, "e")},
			want: `[{"role":"user","content":[{"type":"text","text":"[The messages before this are left out.]"}]},{"role":"assistant","content":[{"type":"text","text":"c"}]},{"role":"user","content":[{"type":"text","text":"e"}]}]`},
		"blanks": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, text("\n\n")), message(chat.User, text(""), text("b"))},
			want: `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`},
		"a refusal": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, chat.Part{Refusal: &chat.Refusal{Text: "No."}}), chat.Text(chat.User, "b")},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"No."}]},{"role":"user","content":[{"type":"text","text":"b"}]}]`},
		"images": {messages: []chat.Message{message(chat.User,
			media(chat.Media{Kind: chat.Image, MediaType: "image/PNG", Data: []byte{1, 2}}), media(chat.Media{Kind: chat.Image, URL: "https://example.org/a"}),
			media(chat.Media{Kind: chat.Image, MediaType: "image/tiff", Reference: "file_1"}))},
			want: `[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AQI="}},{"type":"image","source":{"type":"url","url":"https://example.org/a"}},{"type":"image","source":{"type":"file","file_id":"file_1"}}]}]`},
		"images of the model": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, text("Look:"), media(chat.Media{Kind: chat.Image, URL: "https://example.org/a"}), call("t1", "plain", "")), message(chat.Tool, result("t1")), chat.Text(chat.User, "b"),
			message(chat.Assistant, media(chat.Media{Kind: chat.Image, URL: "https://example.org/b"}))},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"Look:"},{"type":"tool_use","id":"t1","name":"plain","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"},{"type":"text","text":"[Your message before had this:]"},{"type":"image","source":{"type":"url","url":"https://example.org/a"}},{"type":"text","text":"b"},
				{"type":"text","text":"[Your message before had this:]"},{"type":"image","source":{"type":"url","url":"https://example.org/b"}}]}]`},
		"documents": {messages: []chat.Message{message(chat.User,
			media(chat.Media{Kind: chat.File, MediaType: "application/pdf", Data: []byte{1, 2}, Name: "a.pdf"}), media(chat.Media{Kind: chat.File, MediaType: "application/pdf", URL: "https://example.org/a"}),
			media(chat.Media{Kind: chat.File, MediaType: "text/csv", Data: []byte("a,b")}), media(chat.Media{Kind: chat.File, Reference: "file_1"}))},
			want: `[{"role":"user","content":[{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"AQI="}},{"type":"document","source":{"type":"url","url":"https://example.org/a"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"}},{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]`},
		"documents to cite": {citations: true, messages: []chat.Message{message(chat.User, media(chat.Media{Kind: chat.File, MediaType: "text/plain", Data: []byte("a")}))},
			want: `[{"role":"user","content":[{"type":"document","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"a"}}]}]`},
		"tools": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, text("Well."), call("t1", "clock", `{"b":1,"a":2}`), call("t2", "plain", "")),
			message(chat.Tool, result("t1", text("noon"), media(chat.Media{Kind: chat.Image, URL: "https://example.org/a"}))),
			message(chat.Tool, chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "t2", IsError: true, Structured: []byte(`{"x":1}`)}})},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"text","text":"Well."},{"type":"tool_use","id":"t1","name":"clock","input":{"a":2,"b":1}},{"type":"tool_use","id":"t2","name":"plain","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"noon"},{"type":"image","source":{"type":"url","url":"https://example.org/a"}}]},{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":[{"type":"text","text":"{\"x\":1}"}]}]}]`},
		"results behind a text": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, call("t1", "clock", `{}`)), message(chat.User, text("Now?"), result("t1", text("noon")))},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"clock","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"noon"}]},{"type":"text","text":"Now?"}]}]`},
		"a call of another provider": {messages: []chat.Message{chat.Text(chat.User, "a"), message(chat.Assistant, call("functions.clock:0", "clock", `{"cut`)), message(chat.Tool, result("functions.clock:0"))},
			want: `[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_ID","name":"clock","input":{"INVALID_JSON":"{\"cut"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_ID"}]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			m := s.open(func(cfg *Config) { cfg.Options.Citations = c.citations })
			if _, _, err := talk(t.Context(), m, &llm.Request{Messages: c.messages}); err != nil {
				t.Fatal(err)
			}
			var got struct{ System, Messages json.RawMessage }
			if err := json.Unmarshal(s.body(), &got); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(c.want, "toolu_ID", idOf("functions.clock:0"))
			if !sameJSON(t, got.Messages, []byte(want)) {
				t.Errorf("sent %s\nwant %s", got.Messages, want)
			}
			if c.system == "" {
				c.system = "null"
			}
			if len(got.System) == 0 {
				got.System = json.RawMessage("null")
			}
			if !sameJSON(t, got.System, []byte(c.system)) {
				t.Errorf("system %s\nwant %s", got.System, c.system)
			}
		})
	}
}

// TestModel_Chat_cache checks where a request has breakpoints of the prompt cache.
func TestModel_Chat_cache(t *testing.T) {
	talked := []chat.Message{
		chat.Text(chat.System, "s"), chat.Text(chat.User, "a"), message(chat.Assistant, call("t1", "plain", "")),
		message(chat.Tool, result("t1", chat.Part{Text: "r"})),
		message(chat.Assistant, chat.Part{Text: "b"}, chat.Part{Reasoning: &chat.Reasoning{}, State: blockState{Type: redactedType, Data: "d"}.state("")}),
		chat.Text(chat.User, "c"),
	}
	for name, c := range map[string]struct {
		stable int
		cache  string
		tools  bool
		want   string // the marked blocks in their order
	}{
		"no hint":                {0, "", true, ""},
		"system only":            {1, "", false, "s"},
		"tools and system":       {1, "", true, "plain s"},
		"a message":              {2, "", true, "plain s a"},
		"a call":                 {3, "", true, "plain s t1"},
		"a result":               {4, "", true, "plain s result"},
		"thinking takes no mark": {5, "", true, "plain s b"},
		"all":                    {6, "1h", true, "plain s c"},
		"off":                    {5, "off", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			req := &llm.Request{Messages: talked, Stable: c.stable}
			if c.tools {
				req.Tools = []llm.Tool{clock, plain}
			}
			if _, _, err := talk(t.Context(), s.open(func(cfg *Config) { cfg.Options.Cache = c.cache }), req); err != nil {
				t.Fatal(err)
			}
			sent, err := parseWire(s.body())
			if err != nil {
				t.Fatal(err)
			}
			var marked []string
			mark := func(cache *wireCache, name string) {
				if cache == nil {
					return
				}
				marked = append(marked, name)
				if cache.Type != "ephemeral" || cache.TTL != strings.TrimPrefix(c.cache, "5m") {
					t.Errorf("%s: %+v", name, cache)
				}
			}
			for _, tool := range sent.Tools {
				mark(tool.CacheControl, tool.Name)
			}
			for _, b := range sent.System {
				mark(b.CacheControl, b.Text)
			}
			for _, m := range sent.Messages {
				for _, b := range m.Content {
					name := b.Text + b.ID
					if b.Type == "tool_result" {
						name = "result"
					}
					mark(b.CacheControl, name)
				}
			}
			if got := strings.Join(marked, " "); got != c.want {
				t.Errorf("marked %q, want %q", got, c.want)
			}
		})
	}
}
