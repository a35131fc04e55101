package openaillm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
)

const (
	textPiece      = `{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"a"}}]}`
	responsesPiece = `{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}`
)

// repeated returns the reply of the servers in the conformance tests.
func repeated(text string) string { return "You said: " + text }

// kitServer returns a server for the conformance tests, which repeats the newest user message.
func kitServer(t *testing.T) *server {
	s := newServer(t)
	s.chat = func(w *stream, req *chatRequest) {
		switch {
		case req.Format != nil:
			w.text(`{"answer":`, `"yes"}`)
			return
		case len(req.Tools) > 0 && req.Tools[0].Function != nil && string(req.ToolChoice) != `"none"` && req.Messages[len(req.Messages)-1].Role != "tool":
			w.events(`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"`+req.Tools[0].Function.Name+`","arguments":"{\"zone\":\"UTC\"}"}}]},"finish_reason":"tool_calls"}]}`, `[DONE]`)
			return
		}
		last := strings.Trim(string(req.Messages[len(req.Messages)-1].Content), `"`)
		if strings.Contains(last, "Count") {
			for w.ctx.Err() == nil {
				w.events(textPiece)
				time.Sleep(time.Millisecond)
			}
			return
		}
		w.text(strings.SplitAfter(repeated(last), " ")...)
	}
	s.responses = func(w *stream, req *responsesRequest) {
		end := `{"type":"response.completed","response":{"status":"completed","model":"m-1","usage":{"input_tokens":5,"output_tokens":2}}}`
		switch {
		case req.Text != nil && len(req.Text.Format) > 0:
			w.events(`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"{\"answer\":\"no\"}"}`, end)
			return
		case len(req.Tools) > 0 && req.Tools[0].Type == "function" && string(req.ToolChoice) != `"none"` && req.Input[len(req.Input)-1].Type != "function_call_output":
			w.events(`{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"call_1","name":"`+req.Tools[0].Name+`","arguments":"{\"zone\":\"UTC\"}"}}`, end)
			return
		}
		last := strings.Trim(string(req.Input[len(req.Input)-1].Content), `"`)
		if strings.Contains(last, "Count") {
			for w.ctx.Err() == nil {
				w.events(responsesPiece)
				time.Sleep(time.Millisecond)
			}
			return
		}
		for _, word := range strings.SplitAfter(repeated(last), " ") {
			w.events(fmt.Sprintf(`{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":%q}`, word))
		}
		w.events(end)
	}
	s.embed = func(w http.ResponseWriter, req *embedRequest) {
		var all []string
		for i, text := range req.Input {
			all = append(all, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":[%d,1.5]}`, i, len(text)))
		}
		_, _ = fmt.Fprintf(w, `{"object":"list","model":"e","data":[%s],"usage":{"prompt_tokens":4,"total_tokens":4}}`, strings.Join(all, ","))
	}
	s.models = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"id":"m","object":"model","owned_by":"kit"}`)
	}
	return s
}

func TestModel_kit(t *testing.T) {
	for name, change := range map[string]func(*Config){"chat": nil, "responses": byResponses} {
		t.Run(name, func(t *testing.T) {
			s := kitServer(t)
			denied := newServer(t)
			no := func(w http.ResponseWriter) {
				refuse(w, http.StatusUnauthorized, map[string]any{"message": "Incorrect API key provided: " + testKey, "type": "invalid_request_error", "code": "invalid_api_key"})
			}
			denied.chat = func(w *stream, _ *chatRequest) { no(w) }
			denied.responses = func(w *stream, _ *responsesRequest) { no(w) }
			err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) { return s.model(change), nil },
				llmtest.Expect(func(r *llm.Request) string { return repeated(r.Messages[len(r.Messages)-1].Text()) }),
				llmtest.Overrides(), llmtest.Prompt(20*time.Second),
				llmtest.Fails(func(context.Context) (llm.LLM, error) { return denied.model(change), nil }, fault.Unauthenticated))
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestModel_Chat_interrupted checks streams that end before the reply is complete, and streams that
// report an error.
func TestModel_Chat_interrupted(t *testing.T) {
	for name, c := range map[string]struct {
		events    string
		responses bool
		class     fault.Class
		status    int
		says      string
	}{
		"just ends":                    {events: "data: " + textPiece + "\n\n", class: fault.ProviderFailed, says: "before it was complete"},
		"just ends, responses":         {events: "data: " + responsesPiece + "\n\n", responses: true, class: fault.ProviderFailed, says: "before it was complete"},
		"DONE without response":        {events: "data: " + responsesPiece + "\n\ndata: [DONE]\n\n", responses: true, class: fault.ProviderFailed, says: "before it was complete"},
		"an error":                     {events: "data: " + textPiece + "\n\ndata: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n", class: fault.ProviderFailed, says: "The server had an error"},
		"an error as text":             {events: "data: {\"error\":\"out of memory\"}\n\n", class: fault.ProviderFailed, says: "out of memory"},
		"an error event":               {events: "event: error\ndata: {\"error\":{\"message\":\"crashed\"}}\n\n", class: fault.ProviderFailed, says: "crashed"},
		"OpenRouter's":                 {events: `data: {"id":"g","error":{"code":502,"message":"Provider returned error","metadata":{"raw":"boom","provider_name":"X"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}` + "\n\n", class: fault.ProviderFailed, status: 502, says: "boom"},
		"OpenRouter's without words":   {events: `data: {"id":"g","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}` + "\n\ndata: [DONE]\n\n", class: fault.ProviderFailed, says: "model failed"},
		"OpenRouter's limit":           {events: "data: {\"error\":{\"code\":429,\"message\":\"slow down\"}}\n\n", class: fault.RateLimited, status: 429, says: "slow down"},
		"vLLM's":                       {events: `data: {"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}` + "\n\n", class: fault.Invalid, status: 400, says: "too long"},
		"context":                      {events: "data: {\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"x\"}}\n\n", class: fault.ContextTooLong, says: "x"},
		"no JSON":                      {events: "data: <html>\n\n", class: fault.ProviderFailed, says: "not of the API"},
		"a list":                       {events: "data: []\n\n", class: fault.ProviderFailed, says: "not of the API"},
		"failed":                       {events: `data: {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"oops"},"usage":{"input_tokens":9,"output_tokens":1}}}` + "\n\n", responses: true, class: fault.ProviderFailed, says: "oops"},
		"failed, with a long request":  {events: `data: {"type":"response.failed","response":{"status":"failed","instructions":"` + strings.Repeat("x", sdk.MaxUpstreamErrorBytes) + `","error":{"code":"rate_limit_exceeded","message":"wait"}}}` + "\n\n", responses: true, class: fault.RateLimited, says: "wait"},
		"failed for too many":          {events: `data: {"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"wait"}}}` + "\n\n", responses: true, class: fault.RateLimited, says: "wait"},
		"failed for the prompt":        {events: `data: {"type":"response.failed","response":{"status":"failed","error":{"code":"content_filter","message":"no"}}}` + "\n\n", responses: true, class: fault.ContentFiltered, says: "no"},
		"error of responses":           {events: `data: {"type":"error","code":"insufficient_quota","message":"pay","param":null,"sequence_number":2}` + "\n\n", responses: true, class: fault.QuotaExhausted, says: "pay"},
		"error of responses, wrapped":  {events: `data: {"type":"error","error":{"type":"server_error","message":"bad"},"sequence_number":2}` + "\n\n", responses: true, class: fault.ProviderFailed, says: "bad"},
		"the key in an error":          {events: "data: {\"error\":{\"message\":\"key " + testKey + " burned\"}}\n\n", class: fault.ProviderFailed, says: "key [secret] burned"},
		"the key instead of an answer": {events: "data: " + testKey + "\n\n", class: fault.ProviderFailed, says: "not of the API"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) { w.raw(c.events) }
			s.responses = func(w *stream, _ *responsesRequest) { w.raw(c.events) }
			m := s.model(func(cfg *Config) {
				if c.responses {
					byResponses(cfg)
				}
			})
			parts, finish, err := talk(t.Context(), m, ask("Hi"))
			f := fault.Of(err)
			if err == nil || f.Class != c.class || f.UpstreamStatus != c.status || !strings.Contains(f.Message, c.says) || strings.Contains(f.Error(), testKey) {
				t.Errorf("%v, %+v", parts, f)
			}
			if len(parts) > 0 && (finish == nil || finish.Usage.OutputTokens == 0) {
				t.Errorf("the tokens that were spent are not counted: %+v", finish)
			}
		})
	}
}

// TestModel_Chat_broken checks that a call fails if the connection breaks, unless the reply was
// complete before.
func TestModel_Chat_broken(t *testing.T) {
	s := newServer(t)
	var complete atomic.Bool
	s.chat = func(w *stream, _ *chatRequest) {
		w.events(textPiece)
		if complete.Load() {
			w.events(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
		}
		panic(http.ErrAbortHandler)
	}
	m := s.model(nil)
	if _, _, err := talk(t.Context(), m, ask("Hi")); !fault.Is(err, fault.ProviderFailed) {
		t.Error(err)
	}
	complete.Store(true)
	if _, finish, err := talk(t.Context(), m, ask("Hi")); err != nil || finish.Reason != llm.FinishStop {
		t.Error(finish, err)
	}
}

// TestModel_Chat_cancel checks that the server notices when the caller has gone.
func TestModel_Chat_cancel(t *testing.T) {
	for name, change := range map[string]func(*Config){"chat": nil, "responses": byResponses} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) { w.events(textPiece); w.hang() }
			s.responses = func(w *stream, _ *responsesRequest) { w.events(responsesPiece); w.hang() }
			m := s.model(change)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			finish, err := m.Chat(ctx, ask("Hi"), func(llm.Delta) error { cancel(); return nil })
			if !fault.Is(err, fault.Canceled) || finish == nil || finish.Usage.OutputTokens != 1 {
				t.Errorf("%+v, %v", finish, err)
			}
			s.waitEnded()
			gone := errors.New("gone")
			if _, err := m.Chat(t.Context(), ask("Hi"), func(llm.Delta) error { return gone }); !errors.Is(err, gone) {
				t.Error(err)
			}
			s.waitEnded()
		})
	}
}

// TestModel_Chat_lateUsage checks that a call returns soon if the server sends nothing after the end of
// the reply. It also checks that the client reuses the connection if the server ends its response.
func TestModel_Chat_lateUsage(t *testing.T) {
	s := newServer(t)
	s.chat = func(w *stream, _ *chatRequest) {
		w.events(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`)
		w.hang()
	}
	m := s.model(nil)
	if _, finish, err := talk(t.Context(), m, ask("Hi")); err != nil || finish.Reason != llm.FinishStop || finish.Usage.OutputTokens != 1 {
		t.Error(finish, err)
	}
	s.waitEnded()
	s.chat = func(w *stream, _ *chatRequest) { w.text("a") }
	s.mu.Lock()
	s.conns = map[string]bool{}
	s.mu.Unlock()
	for range 5 {
		if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) > 1 {
		t.Errorf("%d connections for calls one after the other", len(s.conns))
	}
}

// TestModel_Chat_notStreamed checks the errors for responses that are not streams.
func TestModel_Chat_notStreamed(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		class      fault.Class
	}{
		"a whole reply":   {"application/json", `{"choices":[{"message":{"content":"x"}}]}`, fault.ProviderFailed},
		"an error":        {"application/json", `{"error":{"code":"insufficient_quota","message":"pay"}}`, fault.QuotaExhausted},
		"a page":          {"text/html", "<html>", fault.NotFound},
		"nothing at all":  {"text/event-stream", "", fault.ProviderFailed},
		"an empty answer": {"", "", fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) {
				w.Header()["Content-Type"] = []string{c.kind}
				_, _ = w.Write([]byte(c.body))
			}
			if _, _, err := talk(t.Context(), s.model(nil), ask("Hi")); !fault.Is(err, c.class) {
				t.Error(err)
			}
		})
	}
}

// TestModel_Chat_noMessages checks that a request without messages is refused.
func TestModel_Chat_noMessages(t *testing.T) {
	_, _, err := talk(t.Context(), newServer(t).model(nil), &llm.Request{})
	if f := fault.Of(err); err == nil || f.Class != fault.Invalid || f.Path.String() != "messages" {
		t.Error(err)
	}
}

// TestReply_add checks that a reply goes on without a provider state that exceeds its bound.
func TestReply_add(t *testing.T) {
	var got []llm.Delta
	m := open(t, Config{BaseURL: "http://127.0.0.1:1", Model: "m"})
	r := newReply(t.Context(), m, nil, func(d llm.Delta) error { got = append(got, d); return nil })
	for range 3 {
		if err := r.add(llm.Delta{Part: chat.Part{Reasoning: &chat.Reasoning{Text: "x"}, State: r.state(make([]byte, sdk.MaxProviderStateBytes/2))}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 || got[0].State == nil || got[1].State != nil || got[2].State != nil {
		t.Errorf("%d pieces", len(got))
	}
	if err := r.add(llm.ToolCall(chat.ToolCall{Name: strings.Repeat("n", sdk.MaxNameBytes+1)})); !fault.Is(err, fault.ProviderFailed) {
		t.Error(err)
	}
}
