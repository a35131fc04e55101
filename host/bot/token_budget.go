package bot

import (
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/llm"
)

// maxTokenLength is the length of a token, in characters, that tokenBudget assumes until the
// provider has counted the tokens. In every language the average token is far shorter, so the
// assumption cuts only a reply that ignores its limit.
const maxTokenLength = 16

// tokenBudget counts down the tokens that one reply may have. It uses the provider's count,
// however long the tokens are. It estimates only the tokens that the provider has not counted
// yet.
type tokenBudget struct {
	limit     int64 // in tokens; 0 means no limit
	counted   int64 // tokens that the provider has counted
	uncounted int64 // characters that came after the provider's last count
}

// take returns the part of the piece that is within the limit. beyond reports whether the piece
// exceeded the limit. A piece may have many tokens, whose lengths are unknown. take cuts the
// piece as if all its tokens were equally long.
func (b *tokenBudget) take(d llm.Delta) (within llm.Delta, beyond bool) {
	if b.limit == 0 {
		return d, false
	}
	length := int64(utf8.RuneCountInString(d.PieceText()))
	n := d.Usage.OutputTokens
	if n > b.counted && n <= b.limit {
		b.counted, b.uncounted = n, 0
		return d, false
	}
	fits := length // number of characters that fit
	if n > b.limit {
		fits = length * (b.limit - b.counted) / (n - b.counted)
	} else {
		fits = min(fits, (b.limit-b.counted)*maxTokenLength-b.uncounted)
		b.uncounted += fits
	}
	if fits >= length && n <= b.limit {
		return d, false
	}
	if !d.Streams() {
		return llm.Delta{Usage: d.Usage}, true
	}
	d.SetPieceText(firstRunes(d.PieceText(), fits))
	d.Citations, d.State, d.Unknown = nil, nil, nil // they are of the whole part
	return d, true
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
