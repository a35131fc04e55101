package bot

import (
	"cmp"
	"errors"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// errBudgetSpent ends the model's call when the reply's budget is spent.
var errBudgetSpent = errors.New("the reply has all that it may have")

// replyBudget counts down a reply's limits of tokens and of bytes. The provider is asked to
// keep the limit of tokens. If it does not, the budget cuts the reply. The bytes are those of
// everything that is kept of the reply: text, reasoning and tool calls.
type replyBudget struct {
	tokens tokenBudget
	bytes  int
}

// newReplyBudget returns the budget of a new reply. With 0 tokens it may have any number;
// with 0 bytes it may have sdk.MaxReplyBytes.
func newReplyBudget(tokens, bytes int) replyBudget {
	return replyBudget{tokens: tokenBudget{limit: int64(tokens)}, bytes: cmp.Or(bytes, sdk.MaxReplyBytes)}
}

// take returns as much of the piece as is within the budget, and spends that. It reports
// whether the piece went beyond the budget.
func (b *replyBudget) take(d llm.Delta) (within llm.Delta, beyond bool) {
	d, beyond = b.tokens.take(d)
	within = b.takeBytes(d)
	return within, beyond || len(within.Text) < len(d.Text) || len(within.Reasoning) < len(d.Reasoning) ||
		len(within.ToolCalls) < len(d.ToolCalls)
}

// takeBytes cuts the piece to the bytes that are left. It cuts text between characters, and
// leaves out a tool call as a whole.
func (b *replyBudget) takeBytes(d llm.Delta) llm.Delta {
	d.Reasoning = b.takeText(d.Reasoning)
	d.Text = b.takeText(d.Text)
	for i := range d.ToolCalls {
		size := chat.Part{ToolCall: &d.ToolCalls[i]}.Size()
		if size > b.bytes {
			b.bytes = 0
			d.ToolCalls = d.ToolCalls[:i]
			break
		}
		b.bytes -= size
	}
	return d
}

// takeText returns the first bytes of s that are within the budget. If s is cut, no bytes
// are left, so that nothing follows the cut.
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

// spendBytes spends so many bytes, or as many as are left.
func (b *replyBudget) spendBytes(n int) { b.bytes = max(0, b.bytes-n) }
