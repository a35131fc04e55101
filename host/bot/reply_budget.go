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

// replyBudget counts down the tokens, bytes and parts that a reply may have. The host asks the
// provider to keep the limit of tokens. If the provider exceeds the limit, the budget cuts the
// reply. The limit of bytes is for all that is stored of the reply except provider states, which
// have a limit of their own.
type replyBudget struct {
	tokens tokenBudget
	bytes  int
	states int
	parts  int
}

// newReplyBudget returns the budget of a new reply. If tokens is 0, the number of tokens has no
// limit. If bytes is 0, the limit of bytes is sdk.MaxReplyBytes.
func newReplyBudget(tokens, bytes int) replyBudget {
	return replyBudget{
		tokens: tokenBudget{limit: int64(tokens)}, bytes: cmp.Or(bytes, sdk.MaxReplyBytes),
		states: sdk.MaxProviderStateBytes, parts: sdk.MaxReplyParts,
	}
}

// freeParts is how many parts of text, reasoning or refusals count only the bytes of their text
// against the budget. A model that alternates between kinds makes many parts, and all further
// parts count whole.
const freeParts = 2

// take returns the part of the piece that is within the budget, and spends the budget for that
// part. begins says whether the piece begins a part of the reply. beyond reports whether the
// piece exceeded the budget. Of text, reasoning and a refusal it returns the beginning. Other
// parts are within the budget or are left out.
func (b *replyBudget) take(d llm.Delta, begins bool) (within llm.Delta, beyond bool) {
	nothing := llm.Delta{Usage: d.Usage}
	d, beyond = b.tokens.take(d)
	if d.IsNothing() {
		return nothing, beyond
	}
	states := 0
	if d.State != nil || d.ToolResult != nil {
		states = chat.StateSize([]chat.Part{d.Part})
	}
	beside := 0 // bytes beside the text of a piece
	switch {
	case !d.Streams():
		beside = d.Size() - states
	case d.EndsPart():
		beside = (&chat.Part{Citations: d.Citations, Unknown: d.Unknown}).Size()
		if len(d.Citations) == 0 && len(d.Unknown) == 0 {
			beside = 0
		}
	}
	if begins && d.Streams() && sdk.MaxReplyParts-b.parts >= freeParts {
		beside += emptyPartSize
	}
	if begins && b.parts == 0 || states > b.states || beside > b.bytes {
		b.bytes, b.states = 0, 0 // so that nothing follows what was left out
		return nothing, true
	}
	if begins {
		b.parts--
	}
	b.bytes, b.states = b.bytes-beside, b.states-states
	if !d.Streams() {
		return d, beyond
	}
	text := d.PieceText()
	if fits := b.takeText(text); len(fits) < len(text) {
		d.SetPieceText(fits)
		d.Citations, d.State, d.Unknown = nil, nil, nil // they are of the whole part
		beyond = true
	}
	return d, beyond
}

// emptyPartSize is the size of a reasoning part without its text, in bytes.
var emptyPartSize = (&chat.Part{Reasoning: &chat.Reasoning{}}).Size()

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
