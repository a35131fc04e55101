package bot

import (
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// Reply is the result of a succeeded turn.
type Reply struct {
	ConversationID string
	Turn           int64 // the turn's number among the conversation's succeeded turns, from 1
	Text           string
	// ToolCalls are the calls of tools that the client runs. The next turn begins with their results.
	ToolCalls []chat.ToolCall
	Usage     chat.Usage
	Tenant    string
	Revision  string
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
	t.receiving = true
	t.tokenTimeout.received()
	defer t.tokenTimeout.awaitNext()
	if err := t.stampMaker(&d); err != nil {
		return err
	}
	rest, d := t.cleaner.next(d)
	if !rest.IsNothing() {
		if err := t.accept(rest); err != nil {
			return err
		}
	}
	return t.accept(d)
}

// stampMaker sets the maker of the piece's provider state to the maker of the instance. It
// returns an error if the plugin named another maker.
func (t *turn) stampMaker(d *llm.Delta) error {
	s := d.State
	if s == nil || s.Maker == t.traits.Maker {
		return nil
	}
	if s.Maker != "" {
		return fault.New(fault.Internal, "the reply has a provider state of another maker than the plugin's own").By(fault.PartyPlugin)
	}
	stamped := *s
	stamped.Maker = t.traits.Maker
	d.State = &stamped
	return nil
}

// accept delivers as much of a piece as the reply's budget has left. It returns errBudgetSpent
// if the whole piece did not fit.
func (t *turn) accept(d llm.Delta) error {
	if !d.Usage.IsZero() {
		t.usage = d.Usage
	}
	d, spent := t.budget.take(d, !t.reply.Continues(&d))
	if err := t.deliver(d); err != nil {
		return err
	}
	if spent {
		return errBudgetSpent
	}
	return nil
}

// deliver adds a piece to the reply and passes the piece's text to the caller. The text of a
// refusal is text too.
func (t *turn) deliver(d llm.Delta) error {
	if d.IsNothing() {
		return nil
	}
	if t.record.FirstTokenMS == 0 {
		now := time.Now()
		t.record.FirstTokenMS, t.firstToken = millis(now.Sub(t.lastLap)), now.Sub(t.record.started)
	}
	if err := t.holdReplyBytes(t.sizeOf(&d)); err != nil {
		return err
	}
	t.nameCall(&d)
	t.reply.Add(&d)
	text := d.Text
	if d.Refusal != nil {
		text = d.Refusal.Text
	}
	if text == "" {
		return nil
	}
	t.shown = true
	if t.emit == nil {
		return nil
	}
	t.emitting = true
	err := t.emit(text)
	t.emitting = false
	if err != nil {
		return &clientGoneError{err}
	}
	return nil
}

// sizeOf returns by how many bytes the piece makes the reply larger.
func (t *turn) sizeOf(d *llm.Delta) int {
	if t.reply.Continues(d) && !d.EndsPart() {
		return len(d.PieceText())
	}
	return d.Size()
}

// replyMessages returns the reply as the assistant's message of the turn.
func (t *turn) replyMessages() []chat.Message {
	parts := t.reply.Parts()
	if len(parts) == 0 {
		parts = []chat.Part{{}}
	}
	return []chat.Message{{Role: chat.Assistant, Parts: parts}}
}

// clientGoneError wraps an error of emit. Its type distinguishes the error from errors of
// plugins.
type clientGoneError struct{ err error }

func (e *clientGoneError) Error() string {
	return "the reply could not be delivered: " + e.err.Error()
}
func (e *clientGoneError) Unwrap() error { return e.err }
