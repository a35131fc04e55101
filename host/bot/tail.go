package bot

import (
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// decodeTail returns the newest turns of the conversation with as many messages as the memory needs
// at most, and within sdk.MaxTailBytes. stored has whole turns, so the oldest turn may lose its first
// messages. A storage may return more than the host asked for.
func (t *turn) decodeTail(stored []storage.Turn) ([]memory.Turn, error) {
	needed, first, n := t.bot.needs.Tail, len(stored), 0
	for ; first > 0 && n < needed; first-- {
		n += len(stored[first-1].Messages)
	}
	stored = stored[first:]
	encoded := make([]storage.Message, 0, n)
	for i := range stored {
		encoded = append(encoded, stored[i].Messages...)
	}
	encoded = encoded[max(0, n-needed):]
	decoded, err := storage.DecodeMessages(mayFit(encoded, sdk.MaxTailBytes))
	if err != nil {
		return nil, err
	}
	left := chat.Newest(decoded, sdk.MaxTailBytes)
	cut := len(left) < len(encoded)
	t.tailMessages = len(left)
	if cut {
		t.recordLeftOut(needed)
	}
	tail := make([]memory.Turn, len(stored))
	for i := len(tail) - 1; i >= 0; i-- {
		s, from := &stored[i], max(0, len(left)-len(stored[i].Messages))
		tail[i] = memory.Turn{Sequence: s.Sequence, Number: s.Number, User: s.User, StartedAt: s.StartedAt, EndedAt: s.EndedAt, Messages: left[from:len(left):len(left)]}
		if left = left[:from]; len(left) == 0 && cut {
			tail = tail[i:]
			break
		}
	}
	dropCutResults(tail)
	return tail, nil
}

// mayFit returns the newest of the messages without those that cannot be within the bytes, because
// the newer messages have more bytes already. So the host does not decode them.
func mayFit(messages []storage.Message, bytes int) []storage.Message {
	first := len(messages)
	for ; first > 0 && bytes >= 0; first-- {
		bytes -= len(messages[first-1].Body)
	}
	return messages[first:]
}

// dropCutResults removes results of tools whose call is not among the messages before them, because
// no model takes a result without its call.
func dropCutResults(turns []memory.Turn) {
	calls := map[string]bool{}
	for i := range turns {
		if !slices.ContainsFunc(turns[i].Messages, hasTools) {
			continue
		}
		kept := turns[i].Messages[:0:0]
		for _, m := range turns[i].Messages {
			if m, ok := withoutCutResults(m, calls); ok {
				kept = append(kept, m)
			}
		}
		turns[i].Messages = kept
	}
}

// hasTools reports whether the message has calls of tools or their results.
func hasTools(m chat.Message) bool {
	for i := range m.Parts {
		if m.Parts[i].ToolCall != nil || m.Parts[i].ToolResult != nil {
			return true
		}
	}
	return false
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
