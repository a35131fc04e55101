package bot

import (
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/llm"
)

// maxTokenLength is the assumed length of a token, in characters, until the provider has
// counted the tokens. In all languages tokens are far shorter on average, so this estimate
// cuts only a reply that ignores its limit.
const maxTokenLength = 16

// tokenBudget counts down the tokens that one reply may have. It trusts the provider's count,
// however long the tokens are. It estimates only the tokens that the provider has not counted
// yet.
type tokenBudget struct {
	limit     int64 // in tokens; 0 means no limit
	counted   int64 // tokens that the provider has counted
	uncounted int64 // characters since the provider's last count
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
