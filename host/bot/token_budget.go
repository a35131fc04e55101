package bot

import (
	"cmp"
	"errors"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// errSpent ends a generation that went on beyond what it may have.
var errSpent = errors.New("the reply has all that it may have")

// maxTokenLength is taken for the length of a token, in characters, where the
// provider does not count as it goes. Tokens of all languages are far shorter on
// average, and so only what ignores the limit is cut by it.
const maxTokenLength = 16

// allowance is how much of a reply may still come. The provider is asked to keep
// the limit of tokens; this is for one that does not. What the provider has counted is as
// many tokens as it says, however long they are; only what it has not counted is estimated.
// Bytes are those of all that is kept of the reply.
type allowance struct {
	tokens    int64 // 0: any number
	counted   int64 // by the provider
	uncounted int64 // characters since it counted last
	bytes     int   // that are left
}

func newAllowance(tokens, bytes int) allowance {
	return allowance{tokens: int64(tokens), bytes: cmp.Or(bytes, sdk.MaxReplyBytes)}
}

// take answers how much of d is within the limits, and whether d went beyond one.
func (a *allowance) take(d llm.Delta) (llm.Delta, bool) {
	d, spent := a.takeTokens(d)
	within := a.takeBytes(d)
	return within, spent || len(within.Text) < len(d.Text) || len(within.Reasoning) < len(d.Reasoning) ||
		len(within.ToolCalls) < len(d.ToolCalls)
}

// takeBytes cuts between characters, and leaves out a tool call that would have to be cut.
func (a *allowance) takeBytes(d llm.Delta) llm.Delta {
	d.Reasoning = a.first(d.Reasoning)
	d.Text = a.first(d.Text)
	for i := range d.ToolCalls {
		size := chat.Part{ToolCall: &d.ToolCalls[i]}.Size()
		if size > a.bytes {
			a.bytes = 0
			d.ToolCalls = d.ToolCalls[:i]
			break
		}
		a.bytes -= size
	}
	return d
}

// first takes the first bytes of s that are left.
func (a *allowance) first(s string) string {
	if len(s) > a.bytes {
		end := a.bytes
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s, a.bytes = s[:end], end // and nothing after it
	}
	a.bytes -= len(s)
	return s
}

// takeTokens is for tokens alone. A piece can have many tokens, whose lengths nobody
// knows: it is cut as if they had one length.
func (a *allowance) takeTokens(d llm.Delta) (llm.Delta, bool) {
	if a.tokens == 0 {
		return d, false
	}
	length := int64(utf8.RuneCountInString(d.Text) + utf8.RuneCountInString(d.Reasoning))
	n := d.Usage.OutputTokens
	if n > a.counted && n <= a.tokens {
		a.counted, a.uncounted = n, 0
		return d, false
	}
	room := length
	if n > a.tokens {
		room = length * (a.tokens - a.counted) / (n - a.counted)
	} else {
		room = min(room, (a.tokens-a.counted)*maxTokenLength-a.uncounted)
		a.uncounted += room
	}
	if room >= length && n <= a.tokens {
		return d, false
	}
	reasoning := clip(d.Reasoning, room)
	text := clip(d.Text, room-int64(utf8.RuneCountInString(reasoning)))
	return llm.Delta{Text: text, Reasoning: reasoning, Usage: d.Usage}, true
}

// clip gives the first n characters of s.
func clip(s string, n int64) string {
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}
