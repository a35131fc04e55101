package bot

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// decodeTail returns the newest turns of the conversation with as many messages as the memory needs
// at most, and within sdk.MaxTailBytes. stored has whole turns, so the oldest turn may lose its first
// messages. A storage may return more than the host asked for.
func (t *turn) decodeTail(stored []storage.Turn) ([]memory.Turn, error) {
	messages, bytes := t.bot.needs.Tail, sdk.MaxTailBytes
	first := len(stored)
	for n := 0; first > 0 && n < messages; first-- {
		n += len(stored[first-1].Messages)
	}
	tail := make([]memory.Turn, len(stored)-first)
	for i := len(tail) - 1; i >= 0; i-- {
		s := &stored[first+i]
		decoded, err := storage.DecodeMessages(s.Messages[max(0, len(s.Messages)-messages):])
		if err != nil {
			return nil, err
		}
		messages -= len(decoded)
		newest := chat.Newest(decoded, bytes)
		tail[i] = memory.Turn{Sequence: s.Sequence, Number: s.Number, User: s.User, StartedAt: s.StartedAt, EndedAt: s.EndedAt, Messages: newest}
		if len(newest) < len(decoded) {
			t.recordLeftOut(t.bot.needs.Tail)
			tail = tail[i:]
			break
		}
		bytes -= chat.Size(newest)
	}
	dropCutResults(tail)
	return tail, nil
}

// dropCutResults removes results of tools whose call is not among the messages before them, because
// no model takes a result without its call.
func dropCutResults(turns []memory.Turn) {
	calls := map[string]bool{}
	for i := range turns {
		kept := turns[i].Messages[:0:0]
		for _, m := range turns[i].Messages {
			if m, ok := withoutCutResults(m, calls); ok {
				kept = append(kept, m)
			}
		}
		turns[i].Messages = kept
	}
}

// withoutCutResults returns the message without results of calls that are not in calls, and adds the
// calls of the message. It returns false if nothing of the message is left.
func withoutCutResults(m chat.Message, calls map[string]bool) (chat.Message, bool) {
	cut := 0
	for i := range m.Parts {
		switch p := &m.Parts[i]; p.Kind() {
		case chat.KindToolCall:
			calls[p.ToolCall.ID] = true
		case chat.KindToolResult:
			if !calls[p.ToolResult.ToolCallID] {
				cut++
			}
		}
	}
	if cut == 0 {
		return m, true
	}
	parts := make([]chat.Part, 0, len(m.Parts)-cut)
	for _, p := range m.Parts {
		if p.ToolResult == nil || calls[p.ToolResult.ToolCallID] {
			parts = append(parts, p)
		}
	}
	m.Parts = parts
	return m, len(parts) > 0
}
