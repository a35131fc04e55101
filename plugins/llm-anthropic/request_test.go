package anthropic

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

var (
	clock    = llm.Tool{Name: "clock", Description: "Tells the time.", Parameters: json.RawMessage(`{"properties":{"zone":{"type":"string"},"at":{"type":"string"}}}`)}
	plain    = llm.Tool{Name: "plain"}
	clockOut = `{"name":"clock","description":"Tells the time.","input_schema":{"type":"object","properties":{"zone":{"type":"string"},"at":{"type":"string"}}}}`
	plainOut = `{"name":"plain","input_schema":{"type":"object","properties":{}}}`
)

func pointer[T any](v T) *T { return &v }

// TestModel_Chat_request checks each field of the requests that the plugin sends.
func TestModel_Chat_request(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]`
	const front = `"model":"claude-sonnet-4-6","stream":true,`
	for name, c := range map[string]struct {
		config  func(*Config)
		request func(*llm.Request)
		want    string
		betas   string
	}{
		"least": {want: front + `"max_tokens":8192,` + hi},
		"all keys": {
			config: func(c *Config) {
				c.MaxTokens, c.Temperature, c.TopP, c.Stop = 100, pointer(0.0), pointer(0.5), []string{"END"}
				c.Options = Options{TopK: pointer(int64(0)), Effort: "low", ServiceTier: "auto", Speed: "fast", InferenceGeo: "eu", Betas: []string{"a-1", "b-2"}}
			},
			want:  front + `"max_tokens":100,"temperature":0,"top_p":0.5,"top_k":0,"stop_sequences":["END"],"output_config":{"effort":"low"},"service_tier":"auto","speed":"fast","inference_geo":"eu",` + hi,
			betas: "a-1,b-2",
		},
		"overrides": {
			config: func(c *Config) { c.Temperature, c.MaxTokens = pointer(1.0), 30 },
			request: func(r *llm.Request) {
				r.Overrides = json.RawMessage(`{"temperature":0,"top_p":0,"max_tokens":20,"stop":["x"],"options":{"top_k":3,"effort":"max","thinking":"disabled"}}`)
			},
			want: front + `"max_tokens":20,"temperature":0,"top_p":0,"top_k":3,"stop_sequences":["x"],"output_config":{"effort":"max"},"thinking":{"type":"disabled"},` + hi,
		},
		"an override of more tokens": {
			config:  func(c *Config) { c.MaxTokens = 10 },
			request: func(r *llm.Request) { r.Overrides = json.RawMessage(`{"max_tokens":20}`) },
			want:    front + `"max_tokens":10,` + hi,
		},
		"lower limit":  {request: func(r *llm.Request) { r.MaxOutputTokens = 7 }, want: front + `"max_tokens":7,` + hi},
		"higher limit": {request: func(r *llm.Request) { r.MaxOutputTokens = 70_000 }, want: front + `"max_tokens":8192,` + hi},
		"thinking": {
			config: func(c *Config) { c.Options = Options{ThinkingBudget: 2000, ThinkingDisplay: "omitted"} },
			want:   front + `"max_tokens":8192,"thinking":{"type":"enabled","budget_tokens":2000,"display":"omitted"},` + hi,
		},
		"thinking under a lower limit": {
			config:  func(c *Config) { c.Options = Options{ThinkingBudget: 4000} },
			request: func(r *llm.Request) { r.MaxOutputTokens = 3000 },
			want:    front + `"max_tokens":3000,"thinking":{"type":"enabled","budget_tokens":1500},` + hi,
		},
		"adaptive thinking": {
			config: func(c *Config) { c.Options = Options{Thinking: "adaptive", ThinkingDisplay: "summarized"} },
			want:   front + `"max_tokens":8192,"thinking":{"type":"adaptive","display":"summarized"},` + hi,
		},
		"thinking between tools": {
			config: func(c *Config) { c.Options = Options{Thinking: "between_tools"} },
			want:   front + `"max_tokens":8192,"thinking":{"type":"between_tools"},` + hi,
		},
		"tools": {
			request: func(r *llm.Request) { r.Tools = []llm.Tool{clock, plain} },
			want:    front + `"max_tokens":8192,"tools":[` + clockOut + `,` + plainOut + `],` + hi,
		},
		"no call": {
			request: func(r *llm.Request) { r.Tools, r.ToolChoice.Mode = []llm.Tool{plain}, llm.ToolNone },
			want:    front + `"max_tokens":8192,"tools":[` + plainOut + `],"tool_choice":{"type":"none"},` + hi,
		},
		"a call": {
			request: func(r *llm.Request) { r.Tools, r.ToolChoice.Mode = []llm.Tool{plain}, llm.ToolRequired },
			want:    front + `"max_tokens":8192,"tools":[` + plainOut + `],"tool_choice":{"type":"any"},` + hi,
		},
		"one certain call": {
			request: func(r *llm.Request) {
				r.Tools, r.ToolChoice, r.ParallelToolCalls = []llm.Tool{plain}, llm.ToolChoice{Mode: llm.ToolNamed, Name: "plain"}, new(bool)
			},
			want: front + `"max_tokens":8192,"tools":[` + plainOut + `],"tool_choice":{"type":"tool","name":"plain","disable_parallel_tool_use":true},` + hi,
		},
		"no parallel calls": {
			request: func(r *llm.Request) { r.Tools, r.ParallelToolCalls = []llm.Tool{plain}, new(bool) },
			want:    front + `"max_tokens":8192,"tools":[` + plainOut + `],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` + hi,
		},
		"parallel calls": {
			request: func(r *llm.Request) { r.Tools, r.ParallelToolCalls = []llm.Tool{plain}, pointer(true) },
			want:    front + `"max_tokens":8192,"tools":[` + plainOut + `],` + hi,
		},
		"choice without tools": {
			request: func(r *llm.Request) { r.ToolChoice.Mode, r.ParallelToolCalls = llm.ToolNone, new(bool) },
			want:    front + `"max_tokens":8192,` + hi,
		},
		"schema": {
			config: func(c *Config) { c.Options.Effort = "high" },
			request: func(r *llm.Request) {
				r.ResponseFormat = llm.ResponseFormat{Type: llm.FormatJSONSchema, Name: "n", Schema: json.RawMessage(`{"type":"object","additionalProperties":false}`), Strict: true}
			},
			want: front + `"max_tokens":8192,"output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}},` + hi,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			req := ask("Hi")
			if c.request != nil {
				c.request(req)
			}
			if _, _, err := talk(t.Context(), s.open(c.config), req); err != nil {
				t.Fatal(err)
			}
			if got := s.body(); !sameJSON(t, got, []byte("{"+c.want+"}")) {
				t.Errorf("sent %s\nwant {%s}", got, c.want)
			}
			if b := s.header("Anthropic-Beta"); b != c.betas {
				t.Errorf("betas %q", b)
			}
		})
	}
}

// TestModel_Chat_schemaOrder checks that schemas keep the order of their properties, because a model
// writes them in this order.
func TestModel_Chat_schemaOrder(t *testing.T) {
	s := newServer(t)
	req := ask("Hi")
	const schema = `{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}},"additionalProperties":false}`
	req.Tools = []llm.Tool{{Name: "t", Parameters: json.RawMessage(schema)}}
	req.ResponseFormat = llm.ResponseFormat{Type: llm.FormatJSONSchema, Schema: json.RawMessage(schema)}
	if _, _, err := talk(t.Context(), s.open(nil), req); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(s.body()), schema); n != 2 {
		t.Errorf("%d of 2 schemas are as they were: %s", n, s.body())
	}
}

// TestSettings_options checks with which version of the API the plugin sends a request. The newest
// version refuses temperature, top_p and top_k.
func TestSettings_options(t *testing.T) {
	for name, c := range map[string]struct {
		base string
		temp *float64
		want string
	}{
		"Anthropic":               {"https://api.anthropic.com", nil, newestVersion},
		"Anthropic, with another": {"https://API.anthropic.com/", nil, newestVersion},
		"a temperature":           {"https://api.anthropic.com", pointer(0.0), samplingVersion},
		"another server":          {"https://gateway.example.org", nil, samplingVersion},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			m := s.open(func(cfg *Config) { cfg.Temperature = c.temp })
			base, err := url.Parse(c.base)
			if err != nil {
				t.Fatal(err)
			}
			m.base = base // the client keeps the address of the test's server
			if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
				t.Fatal(err)
			}
			if got := s.header("Anthropic-Version"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestModel_Chat_environment checks that the plugin ignores the environment variables of Anthropic's
// client.
func TestModel_Chat_environment(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "other")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "other")
	t.Setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Other: other")
	s := newServer(t)
	if _, _, err := talk(t.Context(), s.open(nil), ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if got := s.header("Authorization") + s.header("X-Other"); got != "Bearer "+testKey {
		t.Errorf("sent %q", got)
	}
}

// TestModel_Chat_refuses checks that the plugin refuses what it cannot send, with the path of it, and
// sends no request.
func TestModel_Chat_refuses(t *testing.T) {
	part := func(p chat.Part) func(*llm.Request) {
		return func(r *llm.Request) { r.Messages[0].Parts = append(r.Messages[0].Parts, p) }
	}
	for name, c := range map[string]struct {
		config  func(*Config)
		request func(*llm.Request)
		class   fault.Class
		path    string
	}{
		"no messages": {request: func(r *llm.Request) { r.Messages = nil }, class: fault.Invalid, path: "messages"},
		"blanks only": {request: func(r *llm.Request) { r.Messages[0].Parts[0].Text = " \n" }, class: fault.Invalid, path: "messages.0"},
		"blanks after a conversation": {request: func(r *llm.Request) {
			r.Messages = append(r.Messages, chat.Text(chat.Assistant, "Hello"), chat.Text(chat.User, " "))
		}, class: fault.Invalid, path: "messages.2"},
		"blanks after the user": {request: func(r *llm.Request) { r.Messages = append(r.Messages, chat.Text(chat.User, "")) }, class: fault.Invalid, path: "messages.1"},
		"no parts":              {request: func(r *llm.Request) { r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant}) }, class: fault.Invalid, path: "messages.1"},
		"blanks for the system": {request: func(r *llm.Request) { r.Messages = append(r.Messages, chat.Text(chat.System, "\t")) }, class: fault.Invalid, path: "messages.1"},
		"a system alone":        {request: func(r *llm.Request) { r.Messages = []chat.Message{chat.Text(chat.System, "s")} }, class: fault.Invalid, path: "messages"},
		"a role":                {request: func(r *llm.Request) { r.Messages[0].Role = "judge" }, class: fault.Invalid, path: "messages.0.role"},
		"a sound":               {request: part(chat.Part{Media: &chat.Media{Kind: chat.Audio, MediaType: "audio/wav", Data: []byte("R")}}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"a bitmap":              {request: part(chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/bmp", Data: []byte("B")}}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"a text by URL":         {request: part(chat.Part{Media: &chat.Media{Kind: chat.File, MediaType: "text/plain", URL: "https://example.org/a"}}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"a text in Latin":       {request: part(chat.Part{Media: &chat.Media{Kind: chat.File, MediaType: "text/plain", Data: []byte{0xe9}}}), class: fault.Invalid, path: "messages.0.parts.1"},
		"foreign thinking":      {request: part(chat.Part{Reasoning: &chat.Reasoning{Text: "hm"}}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"another maker's thinking": {request: part(chat.Part{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Maker: "other", Data: []byte(`{"type":"thinking"}`)}}),
			class: fault.Unsupported, path: "messages.0.parts.1"},
		"a state that is none": {request: part(chat.Part{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte(`?`)}}), class: fault.Invalid, path: "messages.0.parts.1"},
		"foreign other":        {request: part(chat.Part{Other: &chat.Other{Type: "x"}}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"an unknown part":      {request: part(chat.Part{Unknown: chat.Unknown("\xc2\x3e\x05later")}), class: fault.Unsupported, path: "messages.0.parts.1"},
		"an image for the system": {request: func(r *llm.Request) {
			r.Messages[0] = chat.Message{Role: chat.System, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/a.png"}}}}
		}, class: fault.Unsupported, path: "messages.0.parts.0"},
		"a call in a result": {request: part(chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{ToolCall: &chat.ToolCall{ID: "2"}}}}}),
			class: fault.Unsupported, path: "messages.0.parts.1.tool_result.parts.0"},
		"a tool of texts":     {request: func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "t", Arguments: llm.ArgumentsText}} }, class: fault.Unsupported, path: "tools.0.arguments"},
		"a tool's parameters": {request: func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "t", Parameters: json.RawMessage(`[]`)}} }, class: fault.Invalid, path: "tools.0.parameters"},
		"a call of nothing":   {request: func(r *llm.Request) { r.ToolChoice.Mode = llm.ToolRequired }, class: fault.Invalid, path: "tool_choice"},
		"a call while thinking": {config: func(c *Config) { c.Options.ThinkingBudget = 2000 },
			request: func(r *llm.Request) { r.Tools, r.ToolChoice.Mode = []llm.Tool{plain}, llm.ToolRequired }, class: fault.Unsupported, path: "tool_choice"},
		"a call while thinking by override": {request: func(r *llm.Request) {
			r.Tools, r.ToolChoice.Mode, r.Overrides = []llm.Tool{plain}, llm.ToolRequired, json.RawMessage(`{"options":{"thinking":"adaptive"}}`)
		}, class: fault.Unsupported, path: "tool_choice"},
		"no room to think": {config: func(c *Config) { c.Options.ThinkingBudget = 2000 },
			request: func(r *llm.Request) { r.MaxOutputTokens = 1024 }, class: fault.Invalid, path: "max_output_tokens"},
		"any JSON":            {request: func(r *llm.Request) { r.ResponseFormat.Type = llm.FormatJSONObject }, class: fault.Unsupported, path: "response_format.type"},
		"a schema of nothing": {request: func(r *llm.Request) { r.ResponseFormat.Type = llm.FormatJSONSchema }, class: fault.Invalid, path: "response_format.schema"},
		"a seed":              {request: func(r *llm.Request) { r.Overrides = json.RawMessage(`{"seed":1}`) }, class: fault.Invalid, path: "overrides.seed"},
		"a typo": {request: func(r *llm.Request) { r.Overrides = json.RawMessage(`{"options":{"topk":1}}`) },
			class: fault.Invalid, path: "overrides.options.topk"},
		"keys that exclude each other": {config: func(c *Config) { c.Options.ThinkingBudget = 2000 },
			request: func(r *llm.Request) { r.Overrides = json.RawMessage(`{"temperature":0}`) }, class: fault.Invalid, path: "overrides.options.thinking_budget"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			req := ask("Hi")
			c.request(req)
			_, _, err := talk(t.Context(), s.open(c.config), req)
			if f := fault.Of(err); f == nil || f.Class != c.class || f.Path.String() != c.path {
				t.Errorf("%+v, want class %s at %s", err, c.class, c.path)
			}
			if s.requests() != 0 {
				t.Error("the request was sent")
			}
		})
	}
}
