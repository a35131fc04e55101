package echo

import (
	"context"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
)

// TestConformance checks the rules of all llm plugins for three echoes: one whose configuration limits
// nothing, one that names images and reasoning in the key takes, and one that takes little.
func TestConformance(t *testing.T) {
	for name, cfg := range map[string]Config{
		"everything": {TokenDelayMS: 1},
		"said so":    {TokenDelayMS: 1, Maker: "m", EmbeddingDimensions: 100, Takes: &Takes{Media: []string{"image"}, Reasoning: new(true)}},
		"little":     {TokenDelayMS: 1, Takes: &Takes{Media: []string{}, Tools: new(false), Formats: new(false), Reasoning: new(false)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) { return New(cfg) }, llmtest.Overrides(),
				llmtest.Fails(func(context.Context) (llm.LLM, error) { return New(Config{Fail: &Fail{Class: "unauthenticated"}}) }, fault.Unauthenticated))
			if err != nil {
				t.Error(err)
			}
		})
	}
}
