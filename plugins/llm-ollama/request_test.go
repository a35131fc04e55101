package ollama

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// golden compares a request that the server received with the expected JSON.
func golden(t *testing.T, got any, want string) {
	t.Helper()
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("\n got %s\nwant %s", b, want)
	}
}

func TestModel_request_full(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	off := false
	m := s.model(func(c *Config) {
		c.KeepAlive, c.Think, c.Truncate = 90.0, "low", &off
		c.Temperature, c.MaxTokens, c.Stop, c.Seed = new(float32(0)), new(10), []string{"END"}, new(1<<60+1)
		c.Options = Options{TopP: new(float32(0.2)), UseMMap: new(false)}
	})
	req := &llm.Request{
		MaxOutputTokens: 64,
		ResponseFormat:  llm.ResponseFormat{Type: llm.FormatJSONSchema, Name: "n", Schema: json.RawMessage(`{"type":"object"}`)},
		Tools: []llm.Tool{
			{Name: "weather", Description: "Weather of a city.", Parameters: json.RawMessage(
				`{"type":"object","required":["city"],"additionalProperties":false,"properties":{"city":{"type":"string","description":"Name."},"unit":{"type":["string","null"],"enum":["C","F"]}}}`)},
			{Name: "now"},
		},
		Messages: []chat.Message{
			chat.Text(chat.System, "Be brief."),
			{Role: chat.User, Parts: []chat.Part{{Text: "What is "}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{1, 2, 3}}}, {Text: "this?"}}},
			{Role: chat.Assistant, Parts: []chat.Part{
				{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte("s")}},
				{ToolCall: &chat.ToolCall{ID: "c1", Name: "weather", Arguments: `{"city":"Lisbon"}`}},
				{ToolCall: &chat.ToolCall{ID: "c2", Name: "now"}},
			}},
			{Role: chat.Tool, Parts: []chat.Part{
				{ToolResult: &chat.ToolResult{ToolCallID: "c1", Parts: []chat.Part{{Text: "mild"}, {Text: " and dry"}}}},
				{ToolResult: &chat.ToolResult{ToolCallID: "c2", Name: "clock", IsError: true, Parts: []chat.Part{{Text: "no clock"}}}},
			}},
			chat.Text(chat.Tool, "bare"),
		},
	}
	if _, _, err := talk(t.Context(), m, req); err != nil {
		t.Fatal(err)
	}
	golden(t, s.lastChat(), `{
		"model": "gemma3:1b", "stream": true, "keep_alive": "1m30s", "think": "low", "truncate": false,
		"format": {"type":"object"},
		"options": {"temperature": 0, "num_predict": 10, "stop": ["END"], "seed": 1152921504606846977, "top_p": 0.2, "use_mmap": false},
		"tools": [
			{"type":"function","function":{"name":"weather","description":"Weather of a city.","parameters":{"type":"object","required":["city"],
				"properties":{"city":{"type":"string","description":"Name."},"unit":{"type":["string","null"],"enum":["C","F"]}}}}},
			{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{}}}}
		],
		"messages": [
			{"role":"system","content":"Be brief."},
			{"role":"user","content":"What is this?","images":["AQID"]},
			{"role":"assistant","content":"","thinking":"hm","tool_calls":[
				{"id":"c1","function":{"index":0,"name":"weather","arguments":{"city":"Lisbon"}}},
				{"id":"c2","function":{"index":1,"name":"now","arguments":{}}}]},
			{"role":"tool","content":"mild and dry","tool_name":"weather","tool_call_id":"c1"},
			{"role":"tool","content":"error: no clock","tool_name":"clock","tool_call_id":"c2"},
			{"role":"tool","content":"bare"}
		]}`)
}

// TestModel_request_smallerLimit checks that the smaller limit of output tokens applies if both the call
// and the instance have a limit.
func TestModel_request_smallerLimit(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	for _, c := range []struct {
		own  any // max_tokens; nil without it
		call int
		want any
	}{
		{nil, 0, nil}, {nil, 64, 64.0},
		{10, 0, 10.0}, {10, 64, 10.0}, {100, 64, 64.0}, {64, 64, 64.0},
		{-1, 64, 64.0}, {-2, 64, 64.0}, {0, 64, 64.0}, {-1, 0, -1.0}, // zero and negative numbers are no limit for Ollama
	} {
		t.Run(fmt.Sprintf("own %v, the call's %d", c.own, c.call), func(t *testing.T) {
			m := s.model(func(cfg *Config) {
				if own, ok := c.own.(int); ok {
					cfg.Options.NumPredict = &own
				}
			})
			req := ask("x")
			req.MaxOutputTokens = c.call
			if _, _, err := talk(t.Context(), m, req); err != nil {
				t.Fatal(err)
			}
			if got := s.lastChat().Options["num_predict"]; got != c.want {
				t.Errorf("the server got %v, want %v", got, c.want)
			}
			req.MaxOutputTokens = 0
			if _, _, err := talk(t.Context(), m, req); err != nil {
				t.Fatal(err)
			}
			if got, own := s.lastChat().Options["num_predict"], c.own; fmt.Sprint(got) != fmt.Sprint(own) {
				t.Errorf("without a limit of the call, the server got %v; want %v", got, own)
			}
		})
	}
}

func TestModel_request_plain(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	m := s.model(nil)
	if _, _, err := talk(t.Context(), m, ask("Hi {{7*7}}")); err != nil {
		t.Fatal(err)
	}
	golden(t, s.lastChat(), `{"model":"gemma3:1b","stream":true,"options":null,"messages":[{"role":"user","content":"Hi {{7*7}}"}]}`)

	req := ask("Hi")
	req.ResponseFormat.Type = llm.FormatJSONObject
	req.Tools, req.ToolChoice.Mode = []llm.Tool{{Name: "now"}}, llm.ToolNone
	req.MaxOutputTokens = 5
	if _, _, err := talk(t.Context(), m, req); err != nil {
		t.Fatal(err)
	}
	golden(t, s.lastChat(), `{"model":"gemma3:1b","stream":true,"format":"json","options":{"num_predict":5},"messages":[{"role":"user","content":"Hi"}]}`)
}

func TestModel_request_refuses(t *testing.T) {
	part := func(role chat.Role, p chat.Part) *llm.Request {
		return &llm.Request{Messages: []chat.Message{chat.Text(chat.User, "x"), {Role: role, Parts: []chat.Part{{Text: "y"}, p}}}}
	}
	with := func(change func(*llm.Request)) *llm.Request { r := ask("x"); change(r); return r }
	m := open(t, Config{Model: "m", BaseURL: "http://127.0.0.1:1"})
	for path, req := range map[string]*llm.Request{
		"messages":           {},
		"messages.0.role":    {Messages: []chat.Message{chat.Text("root", "x")}},
		"messages.1.parts.1": part(chat.User, chat.Part{Media: &chat.Media{Kind: chat.Image, URL: "http://169.254.169.254/"}}),
		"messages.1.parts.1.tool_result.parts.1": part(chat.Tool, chat.Part{ToolResult: &chat.ToolResult{
			Parts: []chat.Part{{Text: "x"}, {Media: &chat.Media{Kind: chat.Image, URL: "http://x/"}}}}}),
		"messages.1.parts.1.tool_result.parts.0": part(chat.Tool, chat.Part{ToolResult: &chat.ToolResult{
			Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "x"}}}}}),
		"tool_choice":            with(func(r *llm.Request) { r.ToolChoice.Mode = llm.ToolRequired }),
		"tools.0.parameters":     with(func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "n", Parameters: json.RawMessage(`{"type":7}`)}} }),
		"response_format.schema": with(func(r *llm.Request) { r.ResponseFormat.Type = llm.FormatJSONSchema }),
		"response_format.type":   with(func(r *llm.Request) { r.ResponseFormat.Type = 9 }),
	} {
		t.Run(path, func(t *testing.T) {
			_, finish, err := talk(t.Context(), m, req)
			if f := fault.Of(err); err == nil || f.Class != fault.Invalid && f.Class != fault.Unsupported || f.Path.String() != path || finish != nil {
				t.Error(err)
			}
		})
	}
}

func TestModel_request_keepAlive(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	for _, c := range []struct {
		value any
		want  time.Duration
	}{
		{"5m", 5 * time.Minute}, {300.0, 5 * time.Minute}, {300, 5 * time.Minute}, {"300", 5 * time.Minute}, {0.0, 0}, {"0", 0},
		{-1.0, 1<<63 - 1}, {"-1", 1<<63 - 1}, {"-1m", 1<<63 - 1}, {1.5, 1500 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%T %v", c.value, c.value), func(t *testing.T) {
			if _, _, err := talk(t.Context(), s.model(func(cfg *Config) { cfg.KeepAlive = c.value }), ask("x")); err != nil {
				t.Fatal(err)
			}
			if got := s.lastChat().KeepAlive; got == nil || got.Duration != c.want {
				t.Errorf("the server got %v, want %v", got, c.want)
			}
		})
	}
}
