package echo

import (
	"context"
	"math"
	"strings"
	"unicode"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// defaultDimensions is the length of the vectors without the key embedding_dimensions, and maxDimensions the
// greatest value of that key.
const (
	defaultDimensions = 64
	maxDimensions     = 4096
)

// Embed implements llm.Embedder. The vectors have length 1.
func (e *Echo) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	out := &llm.Embeddings{Model: e.config.Model, Vectors: make([][]float32, len(req.Texts))}
	for i, text := range req.Texts {
		out.Vectors[i] = embed(text, e.config.EmbeddingDimensions)
		out.Usage.InputTokens += countWords(text)
	}
	return out, nil
}

// embed returns the sum of the vectors of all words in text and of their pieces, scaled to the length
// 1. It ignores case and punctuation. For a text without words it returns the first unit vector.
func embed(text string, dimensions int) []float32 {
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

// addWord adds the vectors of a word and of its pieces to v. A piece is three neighbouring characters
// of the word, to which < and > are added as its ends. Words of one stem share pieces, and so have
// similar vectors. All pieces together have the weight of the word.
func addWord(v []float32, word string) {
	add(v, word, 1)
	runes := []rune("<" + word + ">")
	count := len(runes) - 2
	weight := float32(1 / math.Sqrt(float64(count)))
	for i := range count {
		add(v, string(runes[i:i+3]), weight)
	}
}

// add adds the vector of a text to v, multiplied by weight. Each number of the vector is 1 or -1, as a
// bit of the text's hash says. The vectors of two different texts are therefore nearly orthogonal.
func add(v []float32, text string, weight float32) {
	bits := hash(text)
	for i := range v {
		if i > 0 && i%64 == 0 {
			bits = mix(bits + uint64(i)) // the bits of further dimensions
		}
		if bits>>(i%64)&1 == 1 {
			v[i] += weight
		} else {
			v[i] -= weight
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
	return mix(h)
}

// mix returns a number of which each bit depends on all bits of h.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
