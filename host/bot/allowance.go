package bot

import (
	"errors"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/llm"
)

// errSpent ends a generation that went on beyond the tokens that it may have.
var errSpent = errors.New("the reply has all tokens that it may have")

// maxTokenLength is taken for the length of a token, in characters, where the
// provider does not count as it goes. Tokens of all languages are far shorter on
// average, and so only what ignores the limit is cut by it.
const maxTokenLength = 16

// allowance is how much of a reply may still come. The provider is asked to keep
// the limit; this is for one that does not. What the provider has counted is as many
// tokens as it says, however long they are; only what it has not counted is estimated.
type allowance struct {
	tokens    int64 // 0: any number
	counted   int64 // by the provider
	uncounted int64 // characters since it counted last
}

// take answers how much of d is within the limit, and whether d went beyond it. A
// piece can have many tokens, whose lengths nobody knows: it is cut as if they had
// one length.
func (a *allowance) take(d llm.Delta) (llm.Delta, bool) {
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
