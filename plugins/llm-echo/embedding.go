package echo

import (
	"context"
	"math"
	"strings"
	"unicode"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// dimensions is the length of a vector. A vector has one dimension for each bit of a word's hash.
const dimensions = 64

// Embed implements llm.Embedder. The vectors have length 1 and 64 dimensions.
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

// embed returns the normalized sum of the vectors of all words in text. It ignores case and punctuation.
// For a text without words it returns the first unit vector.
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

// addWord adds the vector of a word to v. The vector has +1 or -1 in each dimension, as the bits of the
// word's hash say. The vectors of two words are therefore nearly orthogonal.
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

// hash returns the FNV-1a hash of a word, mixed once more, because FNV-1a alone gives short words similar
// high bits. The function must never change, because storages have vectors that it made.
func hash(word string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
