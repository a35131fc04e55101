package bot

import (
	"context"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

func TestTokenBudget(t *testing.T) {
	counted := func(text string, usage chat.Usage) llm.Delta {
		return llm.Delta{Part: chat.Part{Text: text}, Usage: usage}
	}
	usage := func(n int64) chat.Usage { return chat.Usage{OutputTokens: n} }
	for name, c := range map[string]struct {
		deltas []llm.Delta
		want   string
		cut    bool
	}{
		"counted":            {[]llm.Delta{counted("ab", usage(2)), counted("cd", usage(4)), counted("e", usage(5))}, "abcd", true},
		"counted in a lump":  {[]llm.Delta{counted("ab", usage(2)), counted("cdefgh", usage(8))}, "abcd", true},
		"exact":              {[]llm.Delta{counted("ab", usage(2)), counted("cd", usage(4))}, "abcd", false},
		"not counted":        {[]llm.Delta{llm.Text(strings.Repeat("é", 62)), llm.Text(strings.Repeat("x", 30))}, strings.Repeat("é", 62) + "xx", true},
		"not counted, short": {[]llm.Delta{llm.Text(strings.Repeat("é", 64))}, strings.Repeat("é", 64), false},
		"counted once only":  {[]llm.Delta{counted("a", usage(1)), counted(strings.Repeat("x", 100), usage(1))}, "a" + strings.Repeat("x", 48), true},
		"counted, long":      {[]llm.Delta{counted(strings.Repeat("=", 500), usage(2)), counted(strings.Repeat("=", 500), usage(4))}, strings.Repeat("=", 1000), false},
		"counted now and then": {[]llm.Delta{llm.Text(strings.Repeat("x", 60)), counted("y", usage(3)), llm.Text(strings.Repeat("z", 20))},
			strings.Repeat("x", 60) + "y" + strings.Repeat("z", 16), true},
		"reasoning counts": {[]llm.Delta{llm.Reasoning(strings.Repeat("r", 62)), llm.Text("answer")}, "an", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{}, &deltaLLM{deltas: c.deltas}
			r, err := newTestBot(s, m, func(p *Parts) { p.Limits.ReplyTokens = 4 }).
				Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Text != c.want || m.asked != 4 {
				t.Errorf("reply %q; want %q; %d tokens were asked for", r.Text, c.want, m.asked)
			}
			reason := `"finish_reason":"stop"`
			if c.cut {
				reason = `"finish_reason":"length"`
			}
			last := s.last(t)
			if !strings.Contains(string(last.Record), reason) || last.State != storage.Succeeded {
				t.Errorf("%s, record %s; want %s", last.State, last.Record, reason)
			}
			if n := c.deltas[len(c.deltas)-1].Usage.OutputTokens; r.Usage.OutputTokens != n {
				t.Errorf("usage %d; want what was spent, %d", r.Usage.OutputTokens, n)
			}
		})
	}
}

// deltaLLM is a model that replies with deltas and ignores the limit of tokens. It records the
// limit in asked.
type deltaLLM struct {
	deltas []llm.Delta
	asked  int
}

func (m *deltaLLM) Chat(_ context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.asked = r.MaxOutputTokens
	spent := &llm.Finish{Reason: llm.FinishStop}
	for _, d := range m.deltas {
		spent.Usage = d.Usage
		if err := emit(d); err != nil {
			return spent, err
		}
	}
	return spent, nil
}
