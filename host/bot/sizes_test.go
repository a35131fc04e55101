package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// generous is a memory that answers more than any model is shown.
type generous struct{ messages []chat.Message }

func (generous) Needs() memory.Needs { return memory.Needs{Tail: 10, Recall: true} }
func (g generous) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return g.messages, nil
}

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
		if err := json.Unmarshal(s.last(t).Record, &r); err != nil || !r.OlderLeftOut || r.Recalled != sdk.MaxTailBytes/each {
			t.Errorf("%s: the record is %s", name, s.last(t).Record)
		}
		if s.begins[0].TailBytes != sdk.MaxTailBytes {
			t.Errorf("%s: begun with %+v", name, s.begins[0])
		}
	}
}
