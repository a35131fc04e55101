package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// scriptedModels is a server of OpenAI's Responses API, Anthropic's Messages API and Ollama's API. It
// answers each chat with the next reply, and keeps the request.
type scriptedModels struct {
	url     string
	mu      sync.Mutex
	reply   string // the whole body of the next reply
	request string // the body of the newest chat
}

func serveScriptedModels(t *testing.T) *scriptedModels {
	t.Helper()
	s := &scriptedModels{}
	chat := func(mediaType string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.request = string(body)
			w.Header().Set("Content-Type", mediaType)
			_, _ = io.WriteString(w, s.reply)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /openai/responses", chat("text/event-stream"))
	mux.HandleFunc("POST /anthropic/v1/messages", chat("text/event-stream"))
	mux.HandleFunc("POST /ollama/api/chat", chat("application/x-ndjson"))
	mux.HandleFunc("POST /ollama/api/show", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"capabilities":["completion","vision","tools","thinking"],"model_info":{"general.architecture":"x","x.context_length":32768}}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// next sets the reply to the next chat.
func (s *scriptedModels) next(reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply, s.request = reply, ""
}

// got returns the request of the newest chat.
func (s *scriptedModels) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request
}

// openAIReply is a streamed reply of the Responses API with these items of output.
func openAIReply(items ...string) string {
	var out strings.Builder
	for n, item := range items {
		fmt.Fprintf(&out, "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":%d,\"item\":%s}\n\n", n, item)
		var message struct {
			Content []struct{ Text string }
		}
		if json.Unmarshal([]byte(item), &message) == nil && len(message.Content) > 0 {
			fmt.Fprintf(&out, "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":%d,\"content_index\":0,\"delta\":%q}\n\n", n, message.Content[0].Text)
		}
		fmt.Fprintf(&out, "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":%d,\"item\":%s}\n\n", n, item)
	}
	fmt.Fprintf(&out, "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"model\":\"gpt-5\",\"output\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":10,\"total_tokens\":20}}}\n\n")
	return out.String()
}

// anthropicReply is a streamed reply of the Messages API with these blocks, each with its deltas.
func anthropicReply(stop string, blocks ...[]string) string {
	var out strings.Builder
	send := func(name, data string) { fmt.Fprintf(&out, "event: %s\ndata: %s\n\n", name, data) }
	send("message_start", `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}`)
	for n, block := range blocks {
		send("content_block_start", fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, n, block[0]))
		for _, delta := range block[1:] {
			send("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":%s}`, n, delta))
		}
		send("content_block_stop", fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, n))
	}
	send("message_delta", fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":10}}`, stop))
	send("message_stop", `{"type":"message_stop"}`)
	return out.String()
}

// TestProviders_conversationMoves checks that a conversation with an image, reasoning and calls of tools
// moves between OpenAI, Anthropic and Ollama and back without an error. Each provider must get back what it
// made itself, and must get nothing that only another provider can read.
func TestProviders_conversationMoves(t *testing.T) {
	t.Parallel()
	models := serveScriptedModels(t)
	host := start(t, onSQLite, nil)
	const (
		tools     = `"tools":[{"name":"weather","description":"the weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}]`
		image     = "iVBORw0KGgo="
		encrypted = "encrypted-by-openai"
		signature = "c2lnbmVkLWJ5LWFudGhyb3BpYw=="
		redacted  = "cmVkYWN0ZWQtYnktYW50aHJvcGlj"
		thought   = "thought of a model of Ollama"
	)
	weather := func(id, result string) string {
		return fmt.Sprintf(`"messages":[{"role":"tool","tool_call_id":%q,"content":%q}],`+tools, id, result)
	}
	llm := map[string]string{
		"openai":    fmt.Sprintf(`{"provider":"openai","model":"gpt-5","api":"responses","api_key":"k","base_url":"%s/openai"}`, models.url),
		"anthropic": fmt.Sprintf(`{"provider":"anthropic","model":"claude-sonnet-4-5","api_key":"k","base_url":"%s/anthropic","max_tokens":4096,"options":{"thinking_budget":1024}}`, models.url),
		"ollama":    fmt.Sprintf(`{"provider":"ollama","model":"m","base_url":"%s/ollama"}`, models.url),
	}
	for n, step := range []struct {
		provider, says, reply string
		has, hasNot           []string // texts that the request has, and those that it must not have
		want                  string   // the text of the reply
	}{
		{
			provider: "openai",
			says:     `"messages":[{"role":"user","parts":[{"text":"What is this?"},{"media":{"kind":"image","media_type":"image/png","name":"cat.png","data":"` + image + `"}}]}]`,
			reply: openAIReply(
				`{"id":"rs_1","type":"reasoning","encrypted_content":"`+encrypted+`","summary":[]}`,
				`{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"A cat.","annotations":[]}]}`),
			has: []string{image, "What is this?"}, want: "A cat.",
		},
		{
			provider: "anthropic", says: `"message":"Is it warm where it lives?",` + tools,
			reply: anthropicReply("tool_use",
				[]string{`{"type":"thinking","thinking":"","signature":""}`, `{"type":"thinking_delta","thinking":"I need the weather."}`, `{"type":"signature_delta","signature":"` + signature + `"}`},
				[]string{`{"type":"redacted_thinking","data":"` + redacted + `"}`},
				[]string{`{"type":"text","text":""}`, `{"type":"text_delta","text":"I look it up."}`},
				[]string{`{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}`, `{"type":"input_json_delta","partial_json":"{\"city\":\"Rome\"}"}`}),
			has: []string{image, "A cat."}, hasNot: []string{encrypted}, want: "I look it up.",
		},
		{
			provider: "ollama", says: weather("toolu_1", "sunny"),
			reply: `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"` + thought + `"},"done":false}` + "\n" +
				`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"It is warm."},"done":false}` + "\n" +
				`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":3}` + "\n",
			has: []string{image, "A cat.", "I look it up.", "Rome", "sunny"}, hasNot: []string{encrypted, signature, redacted}, want: "It is warm.",
		},
		{
			provider: "openai", says: `"message":"And tomorrow?",` + tools,
			reply: openAIReply(
				`{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Oslo\"}"}`),
			has:    []string{image, encrypted, "I look it up.", "toolu_1", "Rome", "sunny", "It is warm."},
			hasNot: []string{signature, redacted, thought},
		},
		{
			provider: "anthropic", says: weather("call_1", "rainy"),
			reply: anthropicReply("end_turn", []string{`{"type":"text","text":""}`, `{"type":"text_delta","text":"Cooler."}`}),
			has:   []string{image, signature, redacted, "I look it up.", "toolu_1", "sunny", "It is warm.", "call_1", "Oslo", "rainy"}, hasNot: []string{encrypted, thought},
			want: "Cooler.",
		},
		{
			provider: "ollama", says: `"message":"Thank you."`,
			reply: `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Gladly."},"done":true,"done_reason":"stop"}` + "\n",
			has:   []string{image, "A cat.", "sunny", "rainy", "Cooler."}, hasNot: []string{encrypted, signature, redacted}, want: "Gladly.",
		},
	} {
		host.put("a", fmt.Sprintf(`{"llm":%s}`, llm[step.provider]))
		models.next(step.reply)
		a := host.do("POST", "/api/v1/chat", `{"conversation_id":"c",`+step.says+`}`, "X-Tenant-ID: a")
		if a.Status != 200 || a.Reply != step.want || a.Turn != int64(n+1) {
			t.Fatalf("turn %d by %s: %d %s", n+1, step.provider, a.Status, a.Body)
		}
		request := models.got()
		for _, text := range step.has {
			if !strings.Contains(request, text) {
				t.Errorf("turn %d: the request to %s has no %q: %s", n+1, step.provider, text, request)
			}
		}
		for _, text := range step.hasNot {
			if strings.Contains(request, text) {
				t.Errorf("turn %d: the request to %s has %q", n+1, step.provider, text)
			}
		}
	}
}
