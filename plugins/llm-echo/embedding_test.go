package echo

import (
	"context"
	"math"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestEcho_Embed(t *testing.T) {
	texts := []string{
		"How do I reset my password?", "how do I RESET my password", "I forgot my password, how do I get in?",
		"The weather in Lisbon is mild", "", "?!",
	}
	out, err := open(t, Config{}).Embed(t.Context(), &llm.EmbedRequest{Texts: texts})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Vectors) != len(texts) || out.Model != "echo" || out.Usage.InputTokens != 28 {
		t.Fatalf("%d vectors, model %q, usage %+v", len(out.Vectors), out.Model, out.Usage)
	}
	for i, v := range out.Vectors {
		if len(v) != defaultDimensions || math.Abs(dot(v, v)-1) > 1e-5 {
			t.Errorf("%q: %d dimensions, length² %v", texts[i], len(v), dot(v, v))
		}
	}
	v := out.Vectors
	if !reflect.DeepEqual(v[0], v[1]) {
		t.Error("case and punctuation changed the vector")
	}
	if near, far := dot(v[0], v[2]), dot(v[0], v[3]); near < 0.4 || far > 0.3 {
		t.Errorf("shared words: %v, no shared words: %v", near, far)
	}
}

// TestEcho_Embed_pieces checks that words of one stem have similar vectors, and other words do not.
func TestEcho_Embed_pieces(t *testing.T) {
	near, far := dot(embed("password", 256), embed("passwords", 256)), dot(embed("password", 256), embed("weather", 256))
	if near < 0.25 || near > 0.9 || math.Abs(far) > 0.2 {
		t.Errorf("one stem: %v, two stems: %v", near, far)
	}
}

func TestEcho_Embed_dimensions(t *testing.T) {
	for _, n := range []int{1, 3, 64, 65, 200, maxDimensions} {
		e := open(t, Config{EmbeddingDimensions: n})
		if got := e.LLMTraits(t.Context()).Embeddings.Dimensions; got != n {
			t.Errorf("the traits say %d, want %d", got, n)
		}
		out, err := e.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"How do I reset my password?", ""}})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Vectors {
			if len(v) != n || math.Abs(dot(v, v)-1) > 1e-5 {
				t.Errorf("%d dimensions of length² %v, want %d", len(v), dot(v, v), n)
			}
		}
	}
	// The bits of further dimensions are not those of the first again.
	if v := embed("password", 128); reflect.DeepEqual(v[:64], v[64:]) {
		t.Error("the second half of the vector is the first")
	}
}

// TestHash_stays checks that hash returns the same value as ever, because stored vectors depend on it.
func TestHash_stays(t *testing.T) {
	if got := hash("password"); got != 0x8553155ee5783e94 {
		t.Errorf("hash is %#x", got)
	}
}

func TestEcho_Embed_canceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, Config{}).Embed(ctx, &llm.EmbedRequest{Texts: []string{"x"}}); !fault.Is(err, fault.Canceled) {
		t.Error(err)
	}
}
