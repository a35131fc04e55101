package bot

import (
	"cmp"
	"errors"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// errBudgetSpent is the error with which the host ends the model's call when the reply's budget
// is spent.
var errBudgetSpent = errors.New("the reply has all that it may have")

// replyBudget counts down the tokens and bytes that a reply may have. The host asks the
// provider to keep the limit of tokens. If the provider exceeds the limit, the budget cuts the
// reply. The limit of bytes is for all that is stored of the reply: text, reasoning and tool
// calls.
type replyBudget struct {
	tokens tokenBudget
	bytes  int
}

// newReplyBudget returns the budget of a new reply. If tokens is 0, the number of tokens has no
// limit. If bytes is 0, the limit of bytes is sdk.MaxReplyBytes.
func newReplyBudget(tokens, bytes int) replyBudget {
	return replyBudget{tokens: tokenBudget{limit: int64(tokens)}, bytes: cmp.Or(bytes, sdk.MaxReplyBytes)}
}

// take returns the part of the piece that is within the budget, and spends the budget for that
// part. beyond reports whether the piece exceeded the budget.
func (b *replyBudget) take(d llm.Delta) (within llm.Delta, beyond bool) {
	d, beyond = b.tokens.take(d)
	within = b.takeBytes(d)
	return within, beyond || len(within.Text) < len(d.Text) || len(within.Reasoning) < len(d.Reasoning) ||
		len(within.ToolCalls) < len(d.ToolCalls)
}

// takeBytes cuts the piece to the bytes that the budget has left. It cuts text between
// characters. It leaves out a tool call that does not fit, and all tool calls after it.
func (b *replyBudget) takeBytes(d llm.Delta) llm.Delta {
	d.Reasoning = b.takeText(d.Reasoning)
	d.Text = b.takeText(d.Text)
	for i := range d.ToolCalls {
		size := (&chat.Part{ToolCall: &d.ToolCalls[i]}).Size()
		if size > b.bytes {
			b.bytes = 0
			d.ToolCalls = d.ToolCalls[:i]
			break
		}
		b.bytes -= size
	}
	return d
}

// takeText returns the first bytes of s that are within the budget. If it cuts s, it leaves no
// bytes in the budget, so that no text follows the cut.
func (b *replyBudget) takeText(s string) string {
	if len(s) > b.bytes {
		end := b.bytes
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		b.bytes = 0
		return s[:end]
	}
	b.bytes -= len(s)
	return s
}

// spendBytes subtracts n bytes from the budget. The budget does not become negative.
func (b *replyBudget) spendBytes(n int) { b.bytes = max(0, b.bytes-n) }
