package openaillm

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

var update = flag.Bool("update", false, "write the requests into testdata anew")

func ptr[T any](v T) *T { return &v }

// everything sets all keys of a configuration that change requests.
func everything(c *Config) {
	c.Temperature, c.TopP, c.MaxTokens = ptr(0.0), ptr(0.9), ptr(50)
	c.Options = Options{ReasoningEffort: "low", Verbosity: "high", ServiceTier: "flex", PromptCacheRetention: "24h"}
	switch c.API {
	case apiResponses:
		c.Options.ReasoningSummary = "auto"
	default:
		c.Stop, c.Seed = []string{"END"}, ptr(int64(0))
		c.Options.FrequencyPenalty, c.Options.PresencePenalty = ptr(0.0), ptr(-1.0)
		c.Options.TopK, c.Options.MinP, c.Options.RepetitionPenalty = ptr(0), ptr(0.0), ptr(1.0)
		c.Options.ChatTemplateKwargs = map[string]any{"enable_thinking": false}
	}
}

// conversation returns a request with all that a conversation may have.
func conversation(m *Model) *llm.Request {
	reasoning, call := `{"field":"reasoning_content","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}`, `{"extra_content":{"google":{"thought_signature":"c2ln"}}}`
	if m.responses {
		reasoning, call = `{"type":"reasoning","item":{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"}}`, `{}`
	}
	state := func(data string) *chat.ProviderState {
		return &chat.ProviderState{Maker: m.traits.Maker, Data: []byte(data)}
	}
	r := &llm.Request{
		MaxOutputTokens: 40,
		Messages: []chat.Message{
			chat.Text(chat.System, "Be brief."),
			{Role: chat.User, Parts: []chat.Part{
				{Text: "What is this?"},
				{Media: &chat.Media{Kind: chat.Image, Data: []byte("\x89PNG\r\n\x1a\n")}},
				{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/a.png"}},
				{Media: &chat.Media{Kind: chat.File, MediaType: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}},
				{Media: &chat.Media{Kind: chat.File, Reference: "file-1"}},
			}},
			{Role: chat.Assistant, Parts: []chat.Part{
				{Reasoning: &chat.Reasoning{Text: "hm"}, State: state(reasoning)},
				{Text: "I look."},
				{ToolCall: &chat.ToolCall{ID: "call_1", Name: "clock", Arguments: `{"zone":"UTC"}`}, State: state(call)},
				{ToolCall: &chat.ToolCall{ID: "call_2", Name: "clock"}},
			}},
			{Role: chat.Tool, Parts: []chat.Part{
				{ToolResult: &chat.ToolResult{ToolCallID: "call_1", Name: "clock", Parts: []chat.Part{{Text: "noon"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte("x")}}}}},
				{ToolResult: &chat.ToolResult{ToolCallID: "call_2", IsError: true, Structured: []byte(`{"why":"no such zone"}`)}},
			}},
			{Role: chat.Assistant, Parts: []chat.Part{{Refusal: &chat.Refusal{Text: "I can't."}}}},
			chat.Text(chat.User, "<Why>?"),
		},
		Tools: []llm.Tool{
			{Name: "clock", Description: "Tells the time.", Parameters: json.RawMessage(`{"type":"object","properties":{"zone":{"type":"string","enum":["UTC"]},"at":{"type":"string"}}}`)},
			{Name: "nothing"},
		},
		ToolChoice:        llm.ToolChoice{Mode: llm.ToolNamed, Name: "clock"},
		ParallelToolCalls: ptr(false),
		ResponseFormat:    llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: json.RawMessage(`{"type":"object"}`), Strict: true},
	}
	if m.responses {
		r.Messages[2].Parts[1].State = state(`{"type":"message","phase":"commentary"}`)
		r.Messages[2].Parts = append(r.Messages[2].Parts, chat.Part{Other: &chat.Other{Type: "openai.future"}, State: state(`{"type":"future","item":{"type":"future","future":{"a":1}}}`)})
	} else {
		r.Messages[1].Parts = append(r.Messages[1].Parts, chat.Part{Media: &chat.Media{Kind: chat.Audio, MediaType: "audio/mpeg", Data: []byte("ID3")}})
	}
	return r
}

// TestModel_Chat_request compares the requests of both APIs with testdata/requests, field by field.
func TestModel_Chat_request(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"chat":      everything,
		"responses": func(c *Config) { byResponses(c); everything(c) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) { w.text("ok") }
			s.responses = func(w *stream, _ *responsesRequest) {
				w.events(`{"type":"response.completed","response":{"status":"completed"}}`)
			}
			m := s.model(change)
			if _, _, err := talk(t.Context(), m, conversation(m)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata/requests", name+".json")
			if *update {
				if err := os.WriteFile(file, []byte(indented(t, s.body())+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := indented(t, s.body()), indented(t, string(want)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func indented(t *testing.T, text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestModel_Chat_schemaOrder checks that the keys below the top of a schema stay in their order.
func TestModel_Chat_schemaOrder(t *testing.T) {
	for _, change := range []func(*Config){nil, byResponses} {
		s := kitServer(t)
		m := s.model(change)
		if _, _, err := talk(t.Context(), m, &llm.Request{Messages: ask("Hi").Messages, Tools: conversation(m).Tools}); err != nil {
			t.Fatal(err)
		}
		if want := `{"zone":{"type":"string","enum":["UTC"]},"at":{"type":"string"}}`; !strings.Contains(s.body(), want) {
			t.Errorf("%s", s.body())
		}
	}
}

// TestModel_Chat_plain checks that a request has only the fields that the caller or the configuration
// asks for.
func TestModel_Chat_plain(t *testing.T) {
	s := kitServer(t)
	if _, _, err := talk(t.Context(), s.model(nil), ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if want := `{"messages":[{"content":"Hi","role":"user"}],"model":"m","stream_options":{"include_usage":true},"stream":true}`; s.body() != want {
		t.Errorf("got  %s\nwant %s", s.body(), want)
	}
	if _, _, err := talk(t.Context(), s.model(func(c *Config) { c.Options.StreamUsage = ptr(false) }), ask("Hi")); err != nil || strings.Contains(s.body(), "stream_options") {
		t.Error(err, s.body())
	}
	if _, _, err := talk(t.Context(), s.model(byResponses), ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if want := `{"store":false,"include":["reasoning.encrypted_content"],"input":[{"content":"Hi","role":"user"}],"model":"m","stream":true}`; s.body() != want {
		t.Errorf("got  %s\nwant %s", s.body(), want)
	}
}

// TestModel_Chat_toolChoice checks the forms of the tool choice, also for tools that take a text.
func TestModel_Chat_toolChoice(t *testing.T) {
	for name, c := range map[string]struct {
		choice llm.ToolChoice
		want   string
		byResp string
	}{
		"auto":     {llm.ToolChoice{}, ``, ``},
		"none":     {llm.ToolChoice{Mode: llm.ToolNone}, `"none"`, `"none"`},
		"required": {llm.ToolChoice{Mode: llm.ToolRequired}, `"required"`, `"required"`},
		"named":    {llm.ToolChoice{Mode: llm.ToolNamed, Name: "f"}, `{"function":{"name":"f"},"type":"function"}`, `{"name":"f","type":"function"}`},
		"custom":   {llm.ToolChoice{Mode: llm.ToolNamed, Name: "code"}, `{"custom":{"name":"code"},"type":"custom"}`, `{"name":"code","type":"custom"}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, byResp := range []bool{false, true} {
				s := kitServer(t)
				m := s.model(func(cfg *Config) {
					if cfg.Model = "openai/gpt-5"; byResp { // takes texts as arguments
						byResponses(cfg)
					}
				})
				req := ask("Hi")
				req.Tools, req.ToolChoice = []llm.Tool{{Name: "f"}, {Name: "code", Description: "Runs.", Arguments: llm.ArgumentsText}}, c.choice
				if _, _, err := talk(t.Context(), m, req); err != nil {
					t.Fatal(err)
				}
				var body struct {
					Tools  []json.RawMessage
					Choice json.RawMessage `json:"tool_choice"`
				}
				if err := json.Unmarshal([]byte(s.body()), &body); err != nil {
					t.Fatal(err)
				}
				want, tool := c.want, `{"custom":{"name":"code","description":"Runs."},"type":"custom"}`
				if byResp {
					want, tool = c.byResp, `{"name":"code","description":"Runs.","type":"custom"}`
				}
				if string(body.Choice) != want || string(body.Tools[1]) != tool {
					t.Errorf("%s %s", body.Choice, body.Tools)
				}
			}
		})
	}
}

// TestModel_Chat_customCall checks the forms in which the next request has the call of a tool that
// takes a text, and its result.
func TestModel_Chat_customCall(t *testing.T) {
	for _, byResp := range []bool{false, true} {
		s := kitServer(t)
		m := s.model(func(cfg *Config) {
			if byResp {
				byResponses(cfg)
			}
			cfg.Model = "openai/gpt-5"
		})
		req := ask("Hi")
		req.Tools = []llm.Tool{{Name: "code", Arguments: llm.ArgumentsText}}
		req.Messages = append(req.Messages,
			chat.Message{Role: chat.Assistant, Parts: []chat.Part{{ToolCall: &chat.ToolCall{ID: "c", Name: "code", Arguments: "print(1)"}}}},
			chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "c", Parts: []chat.Part{{Text: "1"}}}}}},
			chat.Text(chat.User, "Well?"))
		if _, _, err := talk(t.Context(), m, req); err != nil {
			t.Fatal(err)
		}
		want := `{"id":"c","custom":{"input":"print(1)","name":"code"},"type":"custom"}`
		if byResp {
			want = `{"call_id":"c","input":"print(1)","name":"code","type":"custom_tool_call"},{"call_id":"c","output":"1","type":"custom_tool_call_output"}`
		}
		if !strings.Contains(s.body(), want) {
			t.Errorf("%s\nwant %s", s.body(), want)
		}
	}
}

// TestModel_Chat_refusesParts checks that a part that the plugin cannot send is an error, and is not
// left out.
func TestModel_Chat_refusesParts(t *testing.T) {
	foreign := &chat.ProviderState{Maker: "another", Data: []byte(`{}`)}
	for name, c := range map[string]struct {
		message chat.Message
		class   fault.Class
		path    string
	}{
		"a role":               {chat.Text("boss", "x"), fault.Invalid, "messages.1.role"},
		"video":                {chat.Message{Role: chat.User, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Video, URL: "https://example.org/a"}}}}, fault.Unsupported, "messages.1.parts.0"},
		"an image of system":   {chat.Message{Role: chat.System, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/a"}}}}, fault.Unsupported, "messages.1.parts.0"},
		"a video of a model":   {chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Video, URL: "https://example.org/a"}}}}, fault.Unsupported, "messages.1.parts.0"},
		"foreign reasoning":    {chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "x"}, State: foreign}}}, fault.Unsupported, "messages.1.parts.0"},
		"reasoning":            {chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Text: "a"}, {Reasoning: &chat.Reasoning{Text: "x"}}}}, fault.Unsupported, "messages.1.parts.1"},
		"another part":         {chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Other: &chat.Other{Type: "x"}}}}, fault.Unsupported, "messages.1.parts.0"},
		"another part of user": {chat.Message{Role: chat.User, Parts: []chat.Part{{Other: &chat.Other{Type: "x"}}}}, fault.Unsupported, "messages.1.parts.0"},
		"a call in a result": {chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "c", Parts: []chat.Part{{ToolCall: &chat.ToolCall{}}}}}}},
			fault.Unsupported, "messages.1.parts.0.tool_result.parts.0"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, change := range []func(*Config){nil, byResponses} {
				req := ask("Hi")
				req.Messages = append(req.Messages, c.message, chat.Text(chat.User, "Well?"))
				_, _, err := talk(t.Context(), newServer(t).model(change), req)
				if f := fault.Of(err); err == nil || f.Class != c.class || f.Path.String() != c.path {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestModel_Chat_refusesRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*llm.Request)
		path   string
	}{
		"a choice without tools":   {func(r *llm.Request) { r.ToolChoice.Mode = llm.ToolRequired }, "tool_choice"},
		"a choice of another tool": {func(r *llm.Request) { r.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: "f"} }, "tool_choice.name"},
		"parameters that are text": {func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "f", Parameters: []byte(`"x"`)}} }, "tools.0.parameters"},
		"a format without a schema": {func(r *llm.Request) {
			r.ResponseFormat = llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: []byte(`[]`)}
		}, "response_format.schema"},
		"an override of a key": {func(r *llm.Request) { r.Overrides = []byte(`{"api_key":"x"}`) }, "overrides.api_key"},
		"an option misspelled": {func(r *llm.Request) { r.Overrides = []byte(`{"options":{"reasoning_efort":"low"}}`) }, "overrides.options.reasoning_efort"},
		"too many stops":       {func(r *llm.Request) { r.Overrides = []byte(`{"stop":["` + strings.Repeat(`x","`, maxStops) + `x"]}`) }, "overrides.stop"},
		"a stop of nothing":    {func(r *llm.Request) { r.Overrides = []byte(`{"stop":[""]}`) }, "overrides.stop"},
		"a hot temperature":    {func(r *llm.Request) { r.Overrides = []byte(`{"temperature":2.5}`) }, "overrides.temperature"},
	} {
		t.Run(name, func(t *testing.T) {
			req := ask("Hi")
			c.change(req)
			_, _, err := talk(t.Context(), newServer(t).model(nil), req)
			if f := fault.Of(err); err == nil || f.Class != fault.Invalid || f.Path.String() != c.path || f.Party != fault.PartyCaller {
				t.Errorf("%v %v", err, f)
			}
		})
	}
}

// TestModel_Chat_overrides checks that overrides replace configured values, that 0 is a value, and that
// a request cannot ask for more tokens than the configuration allows.
func TestModel_Chat_overrides(t *testing.T) {
	s := kitServer(t)
	m := s.model(func(c *Config) { c.Temperature, c.MaxTokens = ptr(1.0), ptr(100) })
	for overrides, want := range map[string]string{
		`{"temperature":0,"seed":0}`:                     `"max_tokens":100,"seed":0,"temperature":0`,
		`{"max_tokens":50,"top_p":0}`:                    `"max_tokens":50,"temperature":1,"top_p":0`,
		`{"max_tokens":500,"stop":["a","b"]}`:            `"max_tokens":100,"temperature":1,"stop":["a","b"]`,
		`{"options":{"top_k":0,"reasoning_effort":"x"}}`: `"reasoning_effort":"x"`,
	} {
		req := ask("Hi")
		req.Overrides = []byte(overrides)
		if _, _, err := talk(t.Context(), m, req); err != nil || !strings.Contains(s.body(), want) {
			t.Errorf("%s: %v\n%s\nwant %s", overrides, err, s.body(), want)
		}
	}
	req := ask("Hi")
	req.MaxOutputTokens = 7
	if _, _, err := talk(t.Context(), m, req); err != nil || !strings.Contains(s.body(), `"max_tokens":7,`) {
		t.Error(err, s.body())
	}
	for _, overrides := range []string{`{"stop":["x"]}`, `{"seed":0}`, `{"options":{"presence_penalty":0}}`} {
		req := ask("Hi")
		req.Overrides = []byte(overrides)
		_, _, err := talk(t.Context(), s.model(byResponses), req)
		if f := fault.Of(err); err == nil || f.Class != fault.Unsupported || f.Path[0] != "overrides" {
			t.Errorf("%s: %v", overrides, err)
		}
	}
}
