package bot

import (
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// This file cleans all that plugins say within a turn, before it is shown, given to the
// model, kept or recorded. Cleaning replaces what no storage can keep, such as NUL and
// bytes that are not UTF-8: so what a caller is shown is what is kept.

// maxModelBytes bounds the model's name, which the provider gives.
const maxModelBytes = 256

// replyCleaner cleans a reply that comes in pieces. A character may be cut between two
// pieces: then its first bytes wait for the next piece. The zero value is ready.
type replyCleaner struct{ text, reasoning chat.Cleaner }

// delta returns the next piece, cleaned.
func (c *replyCleaner) delta(d llm.Delta) llm.Delta {
	d.Text, d.Reasoning, d.Usage = c.text.Next(d.Text), c.reasoning.Next(d.Reasoning), cleanUsage(d.Usage)
	if len(d.ToolCalls) == 0 {
		return d
	}
	calls := make([]chat.ToolCall, len(d.ToolCalls))
	for i, c := range d.ToolCalls {
		calls[i] = c.Clean()
	}
	d.ToolCalls = calls
	return d
}

// rest returns the cleaned bytes that still wait for a next piece. It is called after the
// last piece.
func (c *replyCleaner) rest() llm.Delta {
	return llm.Delta{Text: c.text.Rest(), Reasoning: c.reasoning.Rest()}
}

// cleanFinish returns the end of a reply, cleaned; nil for nil.
func cleanFinish(f *llm.Finish) *llm.Finish {
	if f == nil {
		return nil
	}
	out := *f
	out.Model, out.Usage = cleanText(f.Model, maxModelBytes), cleanUsage(f.Usage)
	return &out
}

// cleanMessages returns the messages, cleaned.
func cleanMessages(messages []chat.Message) []chat.Message {
	out := make([]chat.Message, len(messages))
	for i, m := range messages {
		out[i] = m.Clean()
	}
	return out
}

// cleanUsage returns the counts, with 0 for those below 0.
func cleanUsage(u chat.Usage) chat.Usage {
	return chat.Usage{
		InputTokens: max(u.InputTokens, 0), OutputTokens: max(u.OutputTokens, 0),
		CachedInputTokens: max(u.CachedInputTokens, 0), ReasoningTokens: max(u.ReasoningTokens, 0),
	}
}

// cleanText returns the text, cleaned and cut to so many bytes.
func cleanText(text string, maxBytes int) string {
	text = chat.Clean(text)
	if len(text) <= maxBytes {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:maxBytes-len(ellipsis)], "") + ellipsis
}
