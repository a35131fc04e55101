package openaillm

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_Embed checks the batches, the order of the vectors and the request.
func TestModel_Embed(t *testing.T) {
	s := newServer(t)
	var batches [][]string
	s.embed = func(w http.ResponseWriter, req *embedRequest) {
		if req.Model != "e" || req.Dimensions != 2 || req.Encoding != "float" {
			t.Errorf("%+v", req)
		}
		batches = append(batches, req.Input)
		var all []string
		for i, text := range req.Input { // the vectors come in the opposite order
			all = append([]string{fmt.Sprintf(`{"index":%d,"embedding":[%d,0.5]}`, i, len(text))}, all...)
		}
		_, _ = fmt.Fprintf(w, `{"model":"e-1","data":[%s],"usage":{"prompt_tokens":%d,"total_tokens":9}}`, strings.Join(all, ","), len(req.Input))
	}
	m := s.model(func(c *Config) { c.EmbeddingModel, c.Dimensions, c.EmbeddingBatch = "e", 2, 3 })
	long := strings.Repeat("x", maxBatchBytes)
	got, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a", "bb", "ccc", "dddd", long, "e"}})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float32{{1, 0.5}, {2, 0.5}, {3, 0.5}, {4, 0.5}, {maxBatchBytes, 0.5}, {1, 0.5}}
	if !reflect.DeepEqual(got.Vectors, want) || got.Model != "e-1" || got.Usage.InputTokens != 6 {
		t.Errorf("%+v", got)
	}
	if want := [][]string{{"a", "bb", "ccc"}, {"dddd"}, {long}, {"e"}}; !reflect.DeepEqual(batches, want) {
		t.Errorf("%d batches", len(batches))
	}
	if got, err := m.Embed(t.Context(), &llm.EmbedRequest{}); err != nil || len(got.Vectors) != 0 {
		t.Error(got, err)
	}
}

// TestModel_Embed_wrong checks the errors for responses with wrong vectors.
func TestModel_Embed_wrong(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		class fault.Class
	}{
		"base64":            {`{"data":[{"index":0,"embedding":"AACAPwAAAEA="},{"index":1,"embedding":"AAAAQAAAgD8="}]}`, 0},
		"no indexes":        {`{"data":[{"embedding":[1]},{"embedding":[2]}]}`, 0},
		"too few":           {`{"data":[{"index":0,"embedding":[1]}]}`, fault.ProviderFailed},
		"the same index":    {`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`, fault.ProviderFailed},
		"an index beyond":   {`{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}`, fault.ProviderFailed},
		"different lengths": {`{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}`, fault.ProviderFailed},
		"empty vectors":     {`{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}`, fault.ProviderFailed},
		"a wrong vector":    {`{"data":[{"index":0,"embedding":"!"},{"index":1,"embedding":[]}]}`, fault.NotFound},
		"an error":          {`{"error":{"message":"no ` + testKey + `","code":429}}`, fault.RateLimited},
		"something else":    {`{"ok":true}`, fault.NotFound},
		"a page":            {`<html>`, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.embed = func(w http.ResponseWriter, _ *embedRequest) { _, _ = fmt.Fprint(w, c.body) }
			got, err := s.model(nil).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a", "b"}})
			switch {
			case c.class == 0 && (err != nil || len(got.Vectors) != 2 || got.Vectors[0][0] != 1 || got.Vectors[1][0] != 2):
				t.Error(got, err)
			case c.class != 0 && !fault.Is(err, c.class):
				t.Errorf("%v, want %v", err, c.class)
			}
			if err != nil && strings.Contains(err.Error(), testKey) {
				t.Error("the error has the key")
			}
		})
	}
}

// TestModel_Embed_refused checks that the error has the configuration key of the embedding model.
func TestModel_Embed_refused(t *testing.T) {
	s := newServer(t)
	s.embed = func(w http.ResponseWriter, _ *embedRequest) {
		refuse(w, 404, map[string]any{"message": "no such model", "code": "model_not_found"})
	}
	for embedding, key := range map[string]string{"": "model", "e": "embedding_model"} {
		_, err := s.model(func(c *Config) { c.EmbeddingModel = embedding }).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}})
		if f := fault.Of(err); err == nil || f.Class != fault.NotFound || f.Path.String() != key {
			t.Errorf("%v", err)
		}
	}
	_, err := open(t, Config{Model: "gpt-5"}).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}})
	if f := fault.Of(err); err == nil || f.Class != fault.Unsupported || f.Path.String() != "embedding_model" {
		t.Error(err)
	}
}
