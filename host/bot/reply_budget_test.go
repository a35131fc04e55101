package bot

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// TestReplyBudget_saysThatItCut checks that a reply that is cut at a limit of the tenant has
// the finish reason length.
func TestReplyBudget_saysThatItCut(t *testing.T) {
	for name, cut := range map[string]func(*Parts){
		"bytes":  func(p *Parts) { p.Limits.ReplyBytes = 2 },
		"tokens": func(p *Parts) { p.Limits.ReplyTokens = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			pieces := []llm.Delta{{Part: chat.Part{Text: "abc"}, Usage: chat.Usage{OutputTokens: 1}}, {Part: chat.Part{Text: "def"}, Usage: chat.Usage{OutputTokens: 2}}}
			r, err := newTestBot(&logStorage{}, says(&llm.Finish{Reason: llm.FinishStop}, nil, pieces...), cut).Chat(context.Background(), hi, nil)
			if err != nil || r.FinishReason != "length" || r.Text == "abcdef" {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// beyond: reply
//
// TestReplyBudget_bytes checks that at most ReplyBytes of a reply are stored, and that the
// record says that the reply was cut.
func TestReplyBudget_bytes(t *testing.T) {
	const most = 1000
	long := strings.Repeat("€", most)
	call := chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}
	for name, c := range map[string]struct {
		deltas []llm.Delta
		kept   int // stored bytes of text and reasoning
		calls  int
		cut    bool
	}{
		"what fits":           {[]llm.Delta{llm.Text(long[:999])}, 999, 0, false},
		"text":                {[]llm.Delta{llm.Text(long)}, 999, 0, true},
		"pieces":              {slices.Repeat([]llm.Delta{llm.Text("0123456789")}, 200), most, 0, true},
		"reasoning":           {slices.Repeat([]llm.Delta{llm.Reasoning("0123456789")}, 200), most, 0, true},
		"both":                {[]llm.Delta{llm.Reasoning(long[:600]), llm.Text(long[:600])}, 999, 0, true},
		"tool calls":          {append([]llm.Delta{llm.Text("hi")}, slices.Repeat([]llm.Delta{llm.ToolCall(call)}, 100)...), 2, 14, true},
		"a call that is long": {[]llm.Delta{llm.Text("hi"), llm.ToolCall(chat.ToolCall{Arguments: long})}, 2, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{}, &sayingLLM{c.deltas}
			b := newTestBot(s, m, func(p *Parts) { p.Limits.ReplyBytes = most })
			if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
				t.Error(err)
				return
			}
			kept, calls := 0, 0
			for _, p := range decoded(s.last(t).Messages...)[0].Parts {
				kept += len(p.Text)
				if p.Reasoning != nil {
					kept += len(p.Reasoning.Text)
				}
				if p.ToolCall != nil {
					calls++
				}
				if !utf8.ValidString(p.Text) {
					t.Errorf("%s: a character is cut", name)
				}
			}
			var r record
			if err := json.Unmarshal(s.last(t).Record, &r); err != nil || kept != c.kept || calls != c.calls || (r.FinishReason == "length") != c.cut {
				t.Errorf("%d bytes and %d calls are kept, and the record says %q; want %d and %d, cut %t", kept, calls, r.FinishReason, c.kept, c.calls, c.cut)
			}
		})
	}
}

// sayingLLM is a model that replies with deltas.
type sayingLLM struct{ deltas []llm.Delta }

func (m *sayingLLM) Chat(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	for _, d := range m.deltas {
		if err := emit(d); err != nil {
			return nil, err
		}
	}
	return &llm.Finish{Reason: llm.FinishStop}, nil
}
