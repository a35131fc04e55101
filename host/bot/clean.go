package bot

import (
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// The functions of this file clean all text that plugins return within a turn, before the host
// shows the text to a caller or to the model, or stores it. Cleaning replaces what no storage
// can store, such as NUL and bytes that are not UTF-8. So a caller sees exactly the text that
// is stored.

// maxModelBytes is the greatest length of a model name that a provider reports.
const maxModelBytes = 256

// replyCleaner cleans a reply that comes in pieces. If a character is cut between two pieces of
// a part, replyCleaner holds back the character's first bytes until the next piece. The zero
// value is ready.
type replyCleaner struct {
	order llm.Order
	text  chat.Cleaner // of the newest part
	// last is the newest part without its text.
	last chat.Part
}

// next returns the next piece of the reply, cleaned, and before it the rest of the part that the
// piece ends by beginning another one.
func (c *replyCleaner) next(d llm.Delta) (rest, clean llm.Delta) {
	d.Usage = cleanUsage(d.Usage)
	if d.IsNothing() {
		return rest, d
	}
	if !c.order.Continues(&d) {
		rest = c.rest()
	}
	c.order.Add(&d)
	if !d.Streams() {
		d.Part = chat.CleanParts([]chat.Part{d.Part})[0]
		return rest, d
	}
	text := c.text.Next(d.PieceText())
	if d.EndsPart() {
		text += c.text.Rest()
		d.SetPieceText(text)
		d.Part = chat.CleanParts([]chat.Part{d.Part})[0]
		return rest, d
	}
	if text != d.PieceText() {
		d.SetPieceText(text)
	}
	c.last = d.Part
	return rest, d
}

// rest returns the bytes that replyCleaner still holds back, cleaned, as a piece of the newest
// part. Call it after the last piece.
func (c *replyCleaner) rest() llm.Delta {
	text := c.text.Rest()
	if text == "" {
		return llm.Delta{}
	}
	d := llm.Delta{Part: c.last}
	d.SetPieceText(text)
	return d
}

// cleanFinish returns a cleaned copy of f. It returns nil if f is nil.
func cleanFinish(f *llm.Finish) *llm.Finish {
	if f == nil {
		return nil
	}
	out := *f
	out.Model, out.Usage = cleanText(f.Model, maxModelBytes), cleanUsage(f.Usage)
	return &out
}

// cleanMessages returns cleaned copies of the messages.
func cleanMessages(messages []chat.Message) []chat.Message {
	out := make([]chat.Message, len(messages))
	for i, m := range messages {
		out[i] = m.Clean()
	}
	return out
}

// cleanUsage returns a bounded copy of u, as chat.Usage.Bounded does, with 0 in place of negative
// counts.
func cleanUsage(u chat.Usage) chat.Usage {
	u = u.Bounded()
	out := chat.Usage{
		InputTokens: max(u.InputTokens, 0), OutputTokens: max(u.OutputTokens, 0),
		CachedInputTokens: max(u.CachedInputTokens, 0), ReasoningTokens: max(u.ReasoningTokens, 0),
		CacheWriteTokens: max(u.CacheWriteTokens, 0),
	}
	if len(u.Details) > 0 {
		out.Details = make(map[string]int64, len(u.Details))
		for name, n := range u.Details {
			out.Details[name] = max(n, 0)
		}
	}
	return out
}

// cleanText returns the text cleaned and cut to at most maxBytes. A cut text ends with an
// ellipsis.
func cleanText(text string, maxBytes int) string {
	text = chat.Clean(text)
	if len(text) <= maxBytes {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:maxBytes-len(ellipsis)], "") + ellipsis
}
