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

// recalledMessages returns the messages of the recalled items, and records the problems that the memory
// reports. It leaves out items of retracted turns of this conversation, and summaries of such turns,
// because the memory may not know of the retraction yet.
func (t *turn) recalledMessages(r *memory.Recalled) []chat.Message {
	t.record.MemoryProblems = cleanProblems(r.Problems)
	var out []chat.Message
	for _, item := range r.Items {
		if t.isRetracted(item) {
			t.record.Retracted++
			continue
		}
		out = append(out, item.Message)
		t.sources = append(t.sources, sourceOf(item))
	}
	return out
}

// isRetracted reports whether the item is a part of a retracted turn of this conversation, or sums up
// such a turn. It looks only at retractions that were not yet passed to Remember.
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

// cleanProblems returns the first memory.MaxProblems of the memory's sentences, cleaned and cut.
func cleanProblems(problems []string) []string {
	var out []string
	for _, p := range problems[:min(len(problems), memory.MaxProblems)] {
		out = append(out, cleanText(p, memory.MaxProblemBytes))
	}
	return out
}
