package echo

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/llm"
)

func TestReasoning(t *testing.T) {
	for name, c := range map[string]struct {
		cfg           Config
		said          string
		limit         int
		thought, text string
	}{
		"none":              {Config{Reply: "a b"}, "Thinking is fun", 0, "", "a b"},
		"configured":        {Config{Reply: "a b", Reasoning: "let me see"}, "Think: no", 0, "let me see", "a b"},
		"asked for":         {Config{Reply: "a b"}, "Hello.\nThink: of one \r\nThink: of two", 0, "of one \nof two", "a b"},
		"before many words": {Config{Tokens: 2}, "Think: hm", 0, "hm", "zero one "},
		"cut":               {Config{Reply: "a b"}, "Think: one two three", 2, "one two ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var thought, text strings.Builder
			var thoughts int64
			req := request(c.said)
			req.MaxOutputTokens = c.limit
			finish, err := open(t, c.cfg).Chat(t.Context(), req, func(d llm.Delta) error {
				if d.Reasoning == nil {
					text.WriteString(d.Text)
					return nil
				}
				if thoughts++; text.Len() > 0 || d.Usage.ReasoningTokens != thoughts {
					t.Errorf("piece %d after %q has the usage %+v", thoughts, text.String(), d.Usage)
				}
				thought.WriteString(d.Reasoning.Text)
				return nil
			})
			if err != nil || thought.String() != c.thought || text.String() != c.text {
				t.Errorf("got %q and %q, %v", thought.String(), text.String(), err)
			}
			if finish.Usage.ReasoningTokens != thoughts || finish.Usage.OutputTokens < thoughts || (finish.Reason == llm.FinishLength) != (c.limit > 0) {
				t.Errorf("finish %+v", finish)
			}
		})
	}
}
