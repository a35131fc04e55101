package bot

import (
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// Reply is the result of a succeeded turn.
type Reply struct {
	ConversationID string
	Turn           int64 // the turn's number among the conversation's succeeded turns, from 1
	Text           string
	Usage          chat.Usage
	Tenant         string
	Revision       string
	// FinishReason says why the reply ended: stop, length, tool_calls, content_filter, or a
	// reason that a later version adds. It is unknown if the plugin gives no reason.
	FinishReason string
	Model        string // the provider's name of the model; empty if the plugin does not report it
	Timings      Timings
	// Replayed reports that a turn with the same idempotency key had already succeeded. Then
	// the Reply is the reply of the earlier turn, with the timings and usage of that turn.
	Replayed bool
}

// receive handles the next piece of the reply. The model's plugin calls it from the turn's
// goroutine.
func (t *turn) receive(d llm.Delta) error {
	t.tokenTimeout.received()
	defer t.tokenTimeout.awaitNext()
	return t.accept(t.cleaner.delta(d))
}

// accept delivers as much of a piece as the reply's budget has left. It returns errBudgetSpent
// if the whole piece did not fit.
func (t *turn) accept(d llm.Delta) error {
	if !d.Usage.IsZero() {
		t.usage = d.Usage
	}
	d, spent := t.budget.take(d)
	if err := t.deliver(d); err != nil {
		return err
	}
	if spent {
		return errBudgetSpent
	}
	return nil
}

// deliver adds a piece to the reply and passes the piece's text to the caller.
func (t *turn) deliver(d llm.Delta) error {
	if d.Text == "" && d.Reasoning == "" && len(d.ToolCalls) == 0 {
		return nil
	}
	if t.record.FirstTokenMS == 0 {
		now := time.Now()
		t.record.FirstTokenMS, t.firstToken = millis(now.Sub(t.lastLap)), now.Sub(t.record.started)
	}
	if err := t.holdReplyBytes(t.reply.sizeOf(d)); err != nil {
		return err
	}
	if t.reply.startsReasoning(d) && len(t.reply.parts) > 0 {
		// A model that alternates between reasoning and tool calls creates many parts. So every
		// reasoning part counts against the budget, except the first part of the reply.
		t.budget.spendBytes(reasoningPartSize)
	}
	t.reply.add(d)
	if d.Text == "" || t.emit == nil {
		return nil
	}
	t.emitting = true
	err := t.emit(d.Text)
	t.emitting = false
	if err != nil {
		return &clientGoneError{err}
	}
	return nil
}

// clientGoneError wraps an error of emit. Its type distinguishes the error from errors of
// plugins.
type clientGoneError struct{ err error }

func (e *clientGoneError) Error() string {
	return "the reply could not be delivered: " + e.err.Error()
}
func (e *clientGoneError) Unwrap() error { return e.err }

// replyBuilder collects the pieces of a reply. The zero value is an empty reply.
type replyBuilder struct {
	text  strings.Builder
	parts []chat.Part // reasoning and tool calls, in the order in which they came
	// reasoning is the text of the last part, if the last part is reasoning. It is copied into
	// the part when the part is complete, so that a long text is not copied with each piece.
	reasoning []byte
}

// empty reports whether the reply has no content yet.
func (r *replyBuilder) empty() bool { return r.text.Len() == 0 && len(r.parts) == 0 }

// reasoningPartSize is the size of a reasoning part without its text, in bytes.
var reasoningPartSize = (&chat.Part{Reasoning: &chat.Reasoning{}}).Size()

// startsReasoning reports whether the piece begins a new reasoning part.
func (r *replyBuilder) startsReasoning(d llm.Delta) bool {
	n := len(r.parts)
	return d.Reasoning != "" && (n == 0 || r.parts[n-1].Reasoning == nil)
}

// sizeOf returns by how many bytes the piece makes the reply larger.
func (r *replyBuilder) sizeOf(d llm.Delta) int {
	n := len(d.Text) + len(d.Reasoning)
	if r.startsReasoning(d) {
		n += reasoningPartSize
	}
	for i := range d.ToolCalls {
		n += (&chat.Part{ToolCall: &d.ToolCalls[i]}).Size()
	}
	return n
}

// add appends the reasoning of a piece, then its tool calls, then its text.
func (r *replyBuilder) add(d llm.Delta) {
	if r.startsReasoning(d) {
		r.parts = append(r.parts, chat.Part{Reasoning: &chat.Reasoning{}})
		r.reasoning = nil
	}
	r.reasoning = append(r.reasoning, d.Reasoning...)
	if len(d.ToolCalls) > 0 {
		r.completeReasoning()
	}
	for _, c := range d.ToolCalls {
		r.parts = append(r.parts, chat.Part{ToolCall: &c})
	}
	r.text.WriteString(d.Text)
}

// completeReasoning copies the collected reasoning into the last part, if the last part is
// reasoning.
func (r *replyBuilder) completeReasoning() {
	if n := len(r.parts); n > 0 && r.parts[n-1].Reasoning != nil {
		r.parts[n-1].Reasoning.Text = string(r.reasoning)
	}
}

// messages returns the reply as the assistant's message of the turn. finish may be nil.
func (r *replyBuilder) messages(finish *llm.Finish) []chat.Message {
	r.completeReasoning()
	parts := r.parts
	if finish != nil && len(finish.ReasoningSignature) > 0 && len(finish.ReasoningSignature) <= sdk.MaxSignatureBytes && len(parts) > 0 && parts[0].Reasoning != nil {
		parts[0].State = &chat.ProviderState{Data: finish.ReasoningSignature}
	}
	if r.text.Len() > 0 || len(parts) == 0 {
		parts = append(parts, chat.Part{Text: r.text.String()})
	}
	return []chat.Message{{Role: chat.Assistant, Parts: parts}}
}
