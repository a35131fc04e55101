package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// TestCallModel_withoutAFinish checks that a reply is incomplete if the model returns neither a
// Finish nor an error.
func TestCallModel_withoutAFinish(t *testing.T) {
	s := &logStorage{}
	_, err := newTestBot(s, says(nil, nil, llm.Text("par"))).Chat(context.Background(), hi, nil)
	if e := wantClass(t, err, fault.ProviderFailed); e.Party != fault.PartyPlugin {
		t.Errorf("by %s", e.Party)
	}
	if c := s.last(t); c.State != storage.Failed || texts(decoded(c.Messages...)) != "assistant:par|" {
		t.Errorf("%+v", c)
	}
}

// generous is a memory that recalls its messages, even if they exceed sdk.MaxTailBytes.
type generous struct{ messages []chat.Message }

func (generous) Needs() memory.Needs { return memory.Needs{Tail: 10, Recall: true} }

func (g generous) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return recalled(g.messages), nil
}

// beyond: tail
//
// TestRecall_cutsToTailBytes checks that the model sees only the newest messages of a
// conversation that exceeds sdk.MaxTailBytes, and that the turn's record says so.
func TestRecall_cutsToTailBytes(t *testing.T) {
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
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{history: c.storage}, &scriptLLM{words: []string{"ok"}}
			b := newTestBot(s, m, func(p *Parts) { p.Memory = c.memory })
			if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
				t.Error(err)
				return
			}
			// The other two messages are the system prompt and the new message.
			if n := len(m.seen[0]); n != sdk.MaxTailBytes/each+2 {
				t.Errorf("the model saw %d messages", n)
			}
			var r record
			if err := json.Unmarshal(s.last(t).Record, &r); err != nil || !r.OlderLeftOut || r.Recalled != sdk.MaxTailBytes/each || r.Asked != len(log) {
				t.Errorf("the record is %s", s.last(t).Record)
			}
			if s.begins[0].TailBytes != sdk.MaxTailBytes {
				t.Errorf("begun with %+v", s.begins[0])
			}
		})
	}
}
