package anthropic

import (
	"cmp"
	"context"
	"os"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
)

// TestModel_realServer checks the plugin against Anthropic's own API. It costs a few cents.
func TestModel_realServer(t *testing.T) {
	key := os.Getenv("ANTHROPIC_API_KEY")
	if key == "" {
		t.Skip("ANTHROPIC_API_KEY is not set")
	}
	cfg := Config{APIKey: key, Model: cmp.Or(os.Getenv("ANTHROPIC_TEST_MODEL"), "claude-haiku-5-5"), BaseURL: os.Getenv("ANTHROPIC_TEST_URL"), MaxTokens: 2048}
	m := open(t, cfg)
	if err := m.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if traits := m.LLMTraits(t.Context()); traits.ContextTokens == 0 {
		t.Errorf("%+v", traits)
	}
	err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) { return New(cfg) }, llmtest.Overrides(),
		llmtest.Fails(func(context.Context) (llm.LLM, error) {
			wrong := cfg
			wrong.APIKey = "sk-ant-wrong"
			return New(wrong)
		}, fault.Unauthenticated))
	if err != nil {
		t.Error(err)
	}
	t.Run("tools", func(t *testing.T) {
		req := ask("What time is it in UTC? Use the tool.")
		req.Tools = []llm.Tool{clock}
		parts, finish, err := talk(t.Context(), m, req)
		if err != nil || finish.Reason != llm.FinishToolCalls {
			t.Fatalf("%+v, %v", finish, err)
		}
		reply := message("assistant", parts...)
		for _, p := range parts {
			if p.ToolCall != nil {
				req.Messages = append(req.Messages, reply, message("tool", result(p.ToolCall.ID, textPart("12:00"))))
				reply.Parts = nil
			}
		}
		if _, finish, err = talk(t.Context(), m, req); err != nil || finish.Reason != llm.FinishStop {
			t.Errorf("%+v, %v", finish, err)
		}
	})
	t.Run("missing model", func(t *testing.T) {
		wrong := cfg
		wrong.Model = "claude-botyard-no-such-model"
		if err := open(t, wrong).Check(t.Context()); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}
