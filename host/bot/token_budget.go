package bot

import (
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/llm"
)

// maxTokenLength is how many characters a token is taken to have where the provider has
// not counted it yet. Tokens of all languages are far shorter on average, so only a reply
// that ignores its limit is cut by this estimate.
const maxTokenLength = 16

// tokenBudget is what is left of the tokens of a reply. The provider's count is believed,
// however long its tokens are. Only what it has not counted yet is estimated.
type tokenBudget struct {
	limit     int64 // tokens; 0 is no limit
	counted   int64 // tokens, by the provider
	uncounted int64 // characters since the provider counted last
}

// take returns as much of the piece as is within the limit, and reports whether the piece
// went beyond it. A piece may have many tokens of unknown lengths: it is cut as if all of
// them were equally long.
func (b *tokenBudget) take(d llm.Delta) (within llm.Delta, beyond bool) {
	if b.limit == 0 {
		return d, false
	}
	length := int64(utf8.RuneCountInString(d.Text) + utf8.RuneCountInString(d.Reasoning))
	n := d.Usage.OutputTokens
	if n > b.counted && n <= b.limit {
		b.counted, b.uncounted = n, 0
		return d, false
	}
	fits := length // characters
	if n > b.limit {
		fits = length * (b.limit - b.counted) / (n - b.counted)
	} else {
		fits = min(fits, (b.limit-b.counted)*maxTokenLength-b.uncounted)
		b.uncounted += fits
	}
	if fits >= length && n <= b.limit {
		return d, false
	}
	reasoning := firstRunes(d.Reasoning, fits)
	text := firstRunes(d.Text, fits-int64(utf8.RuneCountInString(reasoning)))
	return llm.Delta{Text: text, Reasoning: reasoning, Usage: d.Usage}, true
}

// firstRunes returns the first n characters of s.
func firstRunes(s string, n int64) string {
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}
