package echo

import (
	"context"
	"math"
	"strings"
	"unicode"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// dimensions is the length of a vector: one for each bit of a word's hash.
const dimensions = 64

// Embed implements llm.Embedder with unit vectors of 64 dimensions.
func (e *Echo) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	out := &llm.Embeddings{Model: e.config.Model, Vectors: make([][]float32, len(req.Texts))}
	for i, text := range req.Texts {
		out.Vectors[i] = embed(text)
		out.Usage.InputTokens += countWords(text)
	}
	return out, nil
}

// embed adds up the words' directions. Case and punctuation do not matter; a text
// without words is the first axis.
func embed(text string) []float32 {
	v := make([]float32, dimensions)
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	for _, w := range words {
		addWord(v, w)
	}
	var squares float64
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	if squares == 0 {
		v[0] = 1
		return v
	}
	scale := float32(1 / math.Sqrt(squares))
	for i := range v {
		v[i] *= scale
	}
	return v
}

// addWord adds the word's direction: +1 or -1 in each dimension, as the bits of
// its hash say, so that two words are nearly at right angles.
func addWord(v []float32, word string) {
	h := hash(word)
	for i := range v {
		if h>>i&1 == 1 {
			v[i]++
		} else {
			v[i]--
		}
	}
}

// hash is FNV-1a with a finisher, since FNV alone leaves the high bits of short
// words alike. It must never change: vectors are stored.
func hash(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
