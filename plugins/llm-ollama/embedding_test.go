package ollama

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

func answer(w http.ResponseWriter, r any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(r)
}

func TestModel_Embed(t *testing.T) {
	s := newServer(t)
	s.embed = func(w http.ResponseWriter, req *api.EmbedRequest) {
		if req.Model != "nomic-embed-text" || !reflect.DeepEqual(req.Input, []any{"a", "b"}) ||
			req.KeepAlive == nil || req.KeepAlive.Duration != 10*time.Minute || !reflect.DeepEqual(req.Options, map[string]any{"num_ctx": 512.0}) {
			t.Errorf("got %+v", req)
		}
		answer(w, api.EmbedResponse{Model: req.Model, Embeddings: [][]float32{{1, 0}, {0, 1}}, PromptEvalCount: 5})
	}
	m := s.model(func(c *Config) {
		c.EmbeddingModel, c.KeepAlive, c.Options = "nomic-embed-text", "10m", Options{NumCtx: new(512), TopK: new(5)}
	})
	out, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(out.Vectors, [][]float32{{1, 0}, {0, 1}}) || out.Usage.InputTokens != 5 || out.Model != "nomic-embed-text" {
		t.Errorf("got %+v", out)
	}
}

// TestModel_Embed_batches checks that the plugin sends many texts in several requests, that the vectors
// keep the order of the texts, and that the call fails if one request fails.
func TestModel_Embed_batches(t *testing.T) {
	s := newServer(t)
	var sizes []int
	fails := false
	s.embed = func(w http.ResponseWriter, req *api.EmbedRequest) {
		texts := req.Input.([]any)
		if sizes = append(sizes, len(texts)); fails && len(sizes) == 2 {
			refuse(w, http.StatusBadRequest, "the input length exceeds the context length")
			return
		}
		out := api.EmbedResponse{PromptEvalCount: len(texts)}
		for _, text := range texts {
			out.Embeddings = append(out.Embeddings, []float32{float32(len(text.(string))), 1})
		}
		answer(w, out)
	}
	req := &llm.EmbedRequest{}
	for i := range 2*embedBatch + 1 {
		req.Texts = append(req.Texts, strings.Repeat("x", i))
	}
	m := s.model(nil)
	out, err := m.Embed(t.Context(), req)
	if err != nil || !reflect.DeepEqual(sizes, []int{embedBatch, embedBatch, 1}) || len(out.Vectors) != len(req.Texts) || out.Usage.InputTokens != int64(len(req.Texts)) || out.Model != "gemma3:1b" {
		t.Fatalf("requests of %v, %d vectors, %v", sizes, len(out.Vectors), err)
	}
	for i, v := range out.Vectors {
		if v[0] != float32(i) {
			t.Fatalf("vector %d is of text %v", i, v[0])
		}
	}
	sizes, fails = nil, true
	if out, err := m.Embed(t.Context(), req); !fault.Is(err, fault.ContextTooLong) || out != nil || len(sizes) != 2 {
		t.Errorf("got %v, %v after %v", out, err, sizes)
	}
}

// TestModel_Embed_dimensions checks that the plugin asks the server for vectors of the configured
// length, that the traits have this length, and that vectors of another length are an error.
func TestModel_Embed_dimensions(t *testing.T) {
	s := newServer(t)
	length := 2
	s.embed = func(w http.ResponseWriter, req *api.EmbedRequest) {
		if req.Dimensions != 2 || req.Truncate == nil || *req.Truncate {
			t.Errorf("got %+v", req)
		}
		answer(w, api.EmbedResponse{Embeddings: [][]float32{make([]float32, length)}})
	}
	m := s.model(func(c *Config) { c.EmbeddingDimensions, c.Truncate = 2, new(bool) })
	if got := m.LLMTraits(t.Context()).Embeddings.Dimensions; got != 2 {
		t.Errorf("the traits say %d", got)
	}
	if _, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}}); err != nil {
		t.Error(err)
	}
	length = 3
	_, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}})
	if f := fault.Of(err); !fault.Is(err, fault.Invalid) || f.Path.String() != "embedding_dimensions" || !strings.Contains(f.Message, "vectors of the length 3") {
		t.Errorf("got %v", err)
	}
}

func TestModel_Embed_noTexts(t *testing.T) {
	out, err := newServer(t).model(nil).Embed(t.Context(), &llm.EmbedRequest{})
	if err != nil || len(out.Vectors) != 0 {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestModel_Embed_failures(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(http.ResponseWriter)
		class   fault.Class
		message string
	}{
		"missing model":     {func(w http.ResponseWriter) { refuse(w, 404, "model 'gemma3:1b' not found") }, fault.NotFound, "ollama pull gemma3:1b"},
		"too long":          {func(w http.ResponseWriter) { refuse(w, 400, "the input length exceeds the context length") }, fault.ContextTooLong, "context"},
		"failed":            {func(w http.ResponseWriter) { refuse(w, 500, "boom") }, fault.ProviderFailed, "boom"},
		"key":               {func(w http.ResponseWriter) { refuse(w, 401, "unauthorized") }, fault.Unauthenticated, "api_key"},
		"too few":           {func(w http.ResponseWriter) { answer(w, api.EmbedResponse{}) }, fault.ProviderFailed, "0 vectors for 2 texts"},
		"different lengths": {func(w http.ResponseWriter) { answer(w, api.EmbedResponse{Embeddings: [][]float32{{1}, {1, 2}}}) }, fault.ProviderFailed, "different lengths"},
		"no JSON":           {func(w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) }, fault.NotFound, "no Ollama API"},
		"cut":               {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, fault.ProviderFailed, "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.embed = func(w http.ResponseWriter, _ *api.EmbedRequest) { c.answer(w) }
			_, err := s.model(nil).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a", "b"}})
			if !fault.Is(err, c.class) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestModel_Embed_deadline(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // runs before the cleanup that closes the server
	s.embed = func(http.ResponseWriter, *api.EmbedRequest) { <-release }
	m := s.model(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Embed(ctx, &llm.EmbedRequest{Texts: []string{"a"}}); !fault.Is(err, fault.Deadline) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := m.Embed(ctx, &llm.EmbedRequest{Texts: []string{"a"}}); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
}
