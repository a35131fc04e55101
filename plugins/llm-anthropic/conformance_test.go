package anthropic

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
)

// TestConformance checks the rules of all llm plugins. The model of the test's server repeats the text
// of the request in pieces, and never ends its reply to a long prompt. It calls a tool if the request
// requires that, and answers yes if the request has a response format.
func TestConformance(t *testing.T) {
	s := newServer(t)
	s.model = describeAs(`{"id":"claude-sonnet-4-6","max_input_tokens":1000000}`)
	s.reply = func(w http.ResponseWriter, req *wireRequest) {
		if c := req.ToolChoice; c != nil && c.Type == "tool" {
			stream(w, startEvent, blockBegin(0, `{"type":"tool_use","id":"toolu_1","name":"`+c.Name+`","input":{}}`), inputDelta(0, `{"zone":`), inputDelta(0, `"UTC"}`), blockStop(0), end("tool_use", 5), stopEvent)
			return
		}
		text := req.Messages[len(req.Messages)-1].Content[0].Text
		switch {
		case req.OutputConfig != nil:
			text = `{"answer":"yes"}`
		case text == "":
			text = "I see."
		}
		stream(w, startEvent, blockBegin(0, textStart))
		for _, word := range strings.SplitAfter(text, " ") {
			stream(w, textDelta(0, word))
		}
		for strings.HasPrefix(text, "Count") {
			select {
			case <-req.closed:
				return
			case <-time.After(5 * time.Millisecond):
				stream(w, textDelta(0, "one "))
			}
		}
		stream(w, blockStop(0), end("end_turn", 5), stopEvent)
	}
	skipped := map[string]bool{}
	err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) {
		return New(Config{BaseURL: s.URL, APIKey: testKey, Model: testModel})
	},
		llmtest.Overrides(),
		llmtest.Expect(func(r *llm.Request) string { return r.Messages[len(r.Messages)-1].Text() }),
		llmtest.Fails(func(context.Context) (llm.LLM, error) {
			return New(Config{BaseURL: s.URL, APIKey: "wrong", Model: testModel})
		}, fault.Unauthenticated),
		llmtest.Report(func(rule llmtest.Rule, _ time.Duration, err error) {
			if errors.Is(err, llmtest.ErrSkip) {
				skipped[rule.Name] = true
			}
		}),
	)
	if err != nil {
		t.Error(err)
	}
	for name := range skipped {
		switch name {
		case "embed", "refuses-reasoning", "can-take-reasoning": // the plugin embeds no texts, and the model takes back only its own reasoning
		default:
			t.Errorf("the rule %s was skipped", name)
		}
	}
}
