package bot

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// dyingLLM is a model whose first calls reply with words and then fail with err. The number of
// these calls is dies. Later calls succeed.
type dyingLLM struct {
	dies  int
	words []string
	err   error
	asked int
}

func (m *dyingLLM) Chat(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if m.asked++; m.asked > m.dies {
		if err := emit(llm.Text("well")); err != nil {
			return nil, err
		}
		return &llm.Finish{Usage: chat.Usage{InputTokens: 1, OutputTokens: 1}, Reason: llm.FinishStop}, nil
	}
	for _, w := range m.words {
		for _, d := range []llm.Delta{llm.Reasoning("so"), llm.Text(w)} {
			d.Usage.InputTokens = 7
			if err := emit(d); err != nil {
				return nil, err
			}
		}
	}
	return nil, m.err
}

// beyond: asked again
func TestRetriesModel(t *testing.T) {
	ended := fault.New(fault.PluginUnavailable, "its process ended")
	half := []string{"hal", "f"}
	for name, c := range map[string]struct {
		llm    dyingLLM
		shown  bool // the caller reads the reply in pieces
		asked  int
		fails  fault.Class
		tokens int64 // usage of input tokens
	}{
		"before anything came":         {dyingLLM{dies: 2, err: ended}, true, 3, 0, 1},
		"once more than that":          {dyingLLM{dies: 3, err: ended}, true, 3, fault.PluginUnavailable, 0},
		"in the middle, shown":         {dyingLLM{dies: 1, err: ended, words: half}, true, 1, fault.PluginUnavailable, 7},
		"in the middle, not shown":     {dyingLLM{dies: 1, err: ended, words: half}, false, 2, 0, 8},
		"a plugin that is away longer": {dyingLLM{dies: 1, err: fault.New(fault.PluginUnavailable, "is starting").After(time.Second)}, false, 1, fault.PluginUnavailable, 0},
		"what the upstream refused":    {dyingLLM{dies: 1, err: fault.New(fault.ProviderFailed, "no")}, false, 1, fault.ProviderFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &logStorage{}
			b := newTestBot(s, &c.llm)
			var emit func(string) error
			if c.shown {
				emit = func(string) error { return nil }
			}
			reply, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, emit)
			if c.fails != 0 {
				wantClass(t, err, c.fails)
			} else if err != nil || reply.Text != "well" || reply.Usage.InputTokens != c.tokens {
				t.Fatalf("reply %+v, error %v", reply, err)
			}
			kept := s.last(t)
			if c.llm.asked != c.asked || usageOf(kept.Usage).InputTokens != c.tokens {
				t.Errorf("asked %d times, and kept %+v", c.llm.asked, kept)
			}
			if kept.State == storage.Succeeded && (len(kept.Messages) != 1 || len(decoded(kept.Messages...)[0].Parts) != 1) {
				t.Errorf("a part of what was lost was kept: %+v", kept.Messages)
			}
			var r record
			if err := json.Unmarshal(kept.Record, &r); err != nil || r.AskedAgain != c.asked-1 {
				t.Errorf("the record is %s", kept.Record)
			}
		})
	}
}
