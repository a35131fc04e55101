package openaillm

import (
	"cmp"
	"context"
	"os"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_realServer talks to the server of OPENAI_BASE_URL, which is OpenAI's by default, with the key
// OPENAI_API_KEY and the model OPENAI_TEST_MODEL.
func TestModel_realServer(t *testing.T) {
	key := os.Getenv("OPENAI_API_KEY")
	if key == "" {
		t.Skip("OPENAI_API_KEY is not set, so no real server is asked")
	}
	cfg := Config{BaseURL: os.Getenv("OPENAI_BASE_URL"), APIKey: key, Model: cmp.Or(os.Getenv("OPENAI_TEST_MODEL"), "gpt-5-nano")}
	for name, api := range map[string]string{"auto": apiAuto, "chat": apiChat} {
		t.Run(name, func(t *testing.T) {
			cfg.API = api
			m := open(t, cfg)
			if err := m.Check(t.Context()); err != nil && !fault.Is(err, fault.Unsupported) {
				t.Error(err)
			}
			req := &llm.Request{
				MaxOutputTokens: 2000,
				Messages:        []chat.Message{chat.Text(chat.System, "Be brief."), chat.Text(chat.User, "What is the time? Use the clock.")},
				Tools:           []llm.Tool{{Name: "clock", Description: "Tells the time."}},
				ToolChoice:      llm.ToolChoice{Mode: llm.ToolRequired},
			}
			parts, finish, err := talk(t.Context(), m, req)
			if err != nil || finish.Reason != llm.FinishToolCalls || finish.Usage.InputTokens == 0 {
				t.Fatalf("%+v, %+v, %v", parts, finish, err)
			}
			// The reasoning and the calls go back with their results.
			req.Messages = append(req.Messages, chat.Message{Role: chat.Assistant, Parts: parts})
			var results []chat.Part
			for _, p := range parts {
				if p.ToolCall != nil {
					results = append(results, chat.Part{ToolResult: &chat.ToolResult{ToolCallID: p.ToolCall.ID, Parts: []chat.Part{{Text: "12:00"}}}})
				}
			}
			req.Messages = append(req.Messages, chat.Message{Role: chat.Tool, Parts: results})
			req.ToolChoice = llm.ToolChoice{Mode: llm.ToolNone}
			if parts, finish, err := talk(t.Context(), m, req); err != nil || len(parts) == 0 || finish.Reason != llm.FinishStop {
				t.Errorf("%+v, %+v, %v", parts, finish, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if _, err := m.Chat(ctx, ask("Count to one thousand in words."), func(llm.Delta) error { cancel(); return nil }); !fault.Is(err, fault.Canceled) {
				t.Errorf("canceled: %v", err)
			}
		})
	}
	for name, c := range map[string]struct {
		change func(*Config)
		class  fault.Class
	}{
		"missing model": {func(c *Config) { c.Model = "botyard-no-such-model" }, fault.NotFound},
		"wrong key":     {func(c *Config) { c.APIKey = "sk-wrong" }, fault.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := cfg
			c.change(&wrong)
			if _, _, err := talk(t.Context(), open(t, wrong), ask("Hi")); !fault.Is(err, c.class) {
				t.Error(err)
			}
		})
	}
}
