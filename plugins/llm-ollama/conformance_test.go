package ollama

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
	"github.com/ollama/ollama/api"
)

// behaves gives the server a model that does what requests ask for: it repeats the last message,
// counts, calls tools, takes PNG images, keeps the response formats of the rules, and embeds.
func (s *server) behaves() {
	s.describes(map[string]string{"gemma3:1b": `{"capabilities":["completion","tools","vision","thinking","embedding"],
		"model_info":{"general.architecture":"gemma3","gemma3.context_length":8192,"gemma3.embedding_length":2}}`})
	s.embed = func(w http.ResponseWriter, req *api.EmbedRequest) {
		out := api.EmbedResponse{Model: req.Model}
		for _, text := range req.Input.([]any) {
			out.Embeddings = append(out.Embeddings, []float32{float32(len(text.(string))), 1})
			out.PromptEvalCount++
		}
		answer(w, out)
	}
	s.chat = func(l *lines, req *api.ChatRequest) {
		last := req.Messages[len(req.Messages)-1]
		for _, m := range req.Messages {
			for _, image := range m.Images {
				if !bytes.HasPrefix(image, []byte("\x89PNG")) {
					refuse(l, http.StatusInternalServerError, "failed to process inputs: image: unknown format")
					return
				}
			}
		}
		words := strings.SplitAfter(last.Content, " ")
		name, arguments, _ := strings.Cut(strings.TrimPrefix(last.Content, "Call "), " ")
		switch {
		case len(req.Tools) > 0 && req.Tools[0].Function.Name == name:
			call := api.ToolCall{Function: api.ToolCallFunction{Name: name}}
			if err := json.Unmarshal([]byte(arguments), &call.Function.Arguments); err != nil {
				s.t.Error(err)
			}
			l.send(api.ChatResponse{Message: api.Message{Thinking: "It wants " + name, ToolCalls: []api.ToolCall{call}}})
			words = nil
		case string(req.Format) == `"json"`:
			words = []string{`{"said"`, `:1}`}
		case len(req.Format) > 0:
			words = []string{`{"answer":`, `"yes"}`}
		case strings.HasPrefix(last.Content, "Count"):
			for range 5000 {
				words = append(words, "one ")
			}
		}
		for _, word := range words {
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(time.Millisecond):
				l.text(word)
			}
		}
		l.done("stop")
	}
}

// TestConformance checks the rules of all llm plugins.
func TestConformance(t *testing.T) {
	s := newServer(t)
	s.behaves()
	closed := newServer(t)
	closed.chat = func(l *lines, _ *api.ChatRequest) { refuse(l, http.StatusUnauthorized, "unauthorized") }
	skipped := map[string]bool{}
	err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) { return New(Config{BaseURL: s.URL, Model: "gemma3:1b"}) },
		llmtest.Overrides(), llmtest.Report(func(r llmtest.Rule, _ time.Duration, err error) { skipped[r.Name] = err == llmtest.ErrSkip }),
		llmtest.Fails(func(context.Context) (llm.LLM, error) { return New(Config{BaseURL: closed.URL, Model: "m"}) }, fault.Unauthenticated))
	if err != nil {
		t.Error(err)
	}
	for rule, skip := range skipped {
		if skip && rule != "refuses-reasoning" { // the model takes reasoning
			t.Errorf("%s is skipped", rule)
		}
	}
}
