package bot

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
)

// generous is a memory that answers more than any model is shown.
type generous struct{ messages []chat.Message }

func (generous) Needs() memory.Needs { return memory.Needs{Tail: 10, Recall: true} }
func (g generous) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return g.messages, nil
}

// beyond: tail
//
// TestTheModelIsShownWhatIsCarried: a conversation that is too large shows the model
// less, and the turn says so.
func TestTheModelIsShownWhatIsCarried(t *testing.T) {
	const each = 5 << 20
	var log []chat.Message
	for range 10 {
		log = append(log, chat.Text(chat.User, strings.Repeat("x", each)))
	}
	for name, c := range map[string]struct {
		storage []chat.Message
		memory  memory.Memory
	}{
		"a storage that counts no bytes": {log, tailMemory(10)},
		"a memory that counts none":      {nil, generous{messages: log}},
		"both":                           {log, generous{messages: log}},
	} {
		s, m := &logStorage{log: c.storage}, &scriptLLM{words: []string{"ok"}}
		b := newTestBot(s, m, func(p *Parts) { p.Memory = c.memory })
		if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// With the system prompt and the new message.
		if n := len(m.seen[0]); n != sdk.MaxTailBytes/each+2 {
			t.Errorf("%s: the model saw %d messages", name, n)
		}
		var r record
		if err := json.Unmarshal(s.last(t).Record, &r); err != nil || !r.OlderLeftOut || r.Recalled != sdk.MaxTailBytes/each || r.Asked != len(log) {
			t.Errorf("%s: the record is %s", name, s.last(t).Record)
		}
		if s.begins[0].TailBytes != sdk.MaxTailBytes {
			t.Errorf("%s: begun with %+v", name, s.begins[0])
		}
	}
}

// beyond: reply
//
// TestAReplyHasABound: whatever a provider says, the turn is kept with what the reply may
// have, and says that it was cut.
func TestAReplyHasABound(t *testing.T) {
	const most = 1000
	long := strings.Repeat("€", most)
	call := chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}
	for name, c := range map[string]struct {
		deltas []llm.Delta
		kept   int // bytes of text and reasoning
		calls  int
		cut    bool
	}{
		"what fits":           {[]llm.Delta{{Text: long[:999]}}, 999, 0, false},
		"text":                {[]llm.Delta{{Text: long}}, 999, 0, true},
		"pieces":              {slices.Repeat([]llm.Delta{{Text: "0123456789"}}, 200), most, 0, true},
		"reasoning":           {slices.Repeat([]llm.Delta{{Reasoning: "0123456789"}}, 200), most, 0, true},
		"both":                {[]llm.Delta{{Reasoning: long[:600], Text: long[:600]}}, 999, 0, true},
		"tool calls":          {[]llm.Delta{{Text: "hi", ToolCalls: slices.Repeat([]chat.ToolCall{call}, 100)}}, 2, 14, true},
		"a call that is long": {[]llm.Delta{{Text: "hi", ToolCalls: []chat.ToolCall{{Arguments: long}}}}, 2, 0, true},
	} {
		s, m := &logStorage{}, &sayingLLM{c.deltas}
		b := newTestBot(s, m, func(p *Parts) { p.Limits.ReplyBytes = most })
		if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kept, calls := 0, 0
		for _, p := range s.last(t).Messages[0].Parts {
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
			t.Errorf("%s: %d bytes and %d calls are kept, and the record says %q; want %d and %d, cut %t", name, kept, calls, r.FinishReason, c.kept, c.calls, c.cut)
		}
	}
}

// sayingLLM says these pieces, and stops.
type sayingLLM struct{ deltas []llm.Delta }

func (m *sayingLLM) Chat(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	for _, d := range m.deltas {
		if err := emit(d); err != nil {
			return nil, err
		}
	}
	return &llm.Finish{Reason: llm.FinishStop}, nil
}
