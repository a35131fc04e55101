package bot

import (
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// recallRequest returns the request that asks the memory for the messages before the new ones.
func (t *turn) recallRequest(tail []memory.Turn) *memory.RecallRequest {
	call := t.call()
	call.ConversationIncarnation = t.incarnation
	req := &memory.RecallRequest{Call: call, Tail: tail, Messages: t.messages, BudgetTokens: t.recallBudget()}
	for _, r := range t.retractions {
		req.Retractions = append(req.Retractions, memory.Retraction{Sequence: r.Sequence, From: r.From, To: r.To})
	}
	return req
}

// recalledMessages returns the messages of the items, and records what went wrong. It leaves out items
// of turns of this conversation that are retracted, and summaries of such turns, since a memory may not
// know it yet.
func (t *turn) recalledMessages(r *memory.Recalled) []chat.Message {
	t.record.MemoryProblems = r.Problems
	var out []chat.Message
	for _, item := range r.Items {
		if t.isRetracted(item) {
			t.record.Retracted++
			continue
		}
		out = append(out, item.Message)
		t.sources = append(t.sources, item)
	}
	return out
}

// isRetracted reports whether the item is of a turn of this conversation that was retracted since the
// memory has followed the conversation, or sums up such a turn.
func (t *turn) isRetracted(item memory.Item) bool {
	for _, r := range t.retractions {
		switch turn, summary := item.Turn, item.Summary; {
		case turn != nil && (turn.Incarnation == "" || turn.Incarnation == t.incarnation) && turn.Number >= r.From && turn.Number <= r.To:
			return true
		case summary != nil && summary.To >= r.From && summary.From <= r.To:
			return true
		}
	}
	return false
}
