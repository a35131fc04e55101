package ollama

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/envconfig"
)

// realServer returns the URL of the server that OLLAMA_HOST names, and a model that this server has. It
// skips the test if there is no such server.
func realServer(t *testing.T) (base, model string) {
	t.Helper()
	if os.Getenv("OLLAMA_HOST") == "" {
		t.Skip("OLLAMA_HOST is not set")
	}
	base = envconfig.Host().String() // Ollama's own programs parse OLLAMA_HOST in the same way
	u, err := parseBase(base)
	if err != nil {
		t.Skipf("OLLAMA_HOST: %v", err)
	}
	tr := newTransport(u, "", nil)
	defer tr.close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	list, err := api.NewClient(u, &http.Client{Transport: tr}).List(ctx)
	if err != nil {
		t.Skipf("OLLAMA_HOST does not answer: %v", err)
	}
	if model = os.Getenv("OLLAMA_TEST_MODEL"); model != "" {
		return base, model
	}
	if len(list.Models) == 0 {
		t.Skip("the server that OLLAMA_HOST names has no model; pull one, such as gemma3:1b")
	}
	return base, list.Models[0].Name
}

func TestModel_realServer(t *testing.T) {
	base, model := realServer(t)
	m := open(t, Config{BaseURL: base, Model: model, Temperature: new(float32(0)), Seed: new(1)})
	got, finish, err := talk(t.Context(), m, &llm.Request{
		MaxOutputTokens: 32,
		Messages:        []chat.Message{chat.Text(chat.System, "Be brief."), chat.Text(chat.User, "Say hello.")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || finish.Usage.OutputTokens == 0 || finish.Reason == llm.FinishUnknown {
		t.Errorf("%+v, %+v", got, finish)
	}
	t.Run("missing model", func(t *testing.T) {
		_, _, err := talk(t.Context(), open(t, Config{BaseURL: base, Model: "botyard-no-such-model"}), ask("Hi"))
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := m.Chat(ctx, ask("Count to one thousand in words."), func(llm.Delta) error { cancel(); return nil })
		if !fault.Is(err, fault.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("limit", func(t *testing.T) {
		m := open(t, Config{BaseURL: base, Model: model, MaxTokens: new(2)})
		_, finish, err := talk(t.Context(), m, ask("Count to one thousand in words."))
		if err != nil || finish.Reason != llm.FinishLength || finish.Usage.OutputTokens > 3 || finish.Usage.InputTokens == 0 {
			t.Errorf("got %+v, %v", finish, err)
		}
	})
	t.Run("the same seed", func(t *testing.T) {
		var said [2]string
		for i := range said {
			req := ask("Say anything.")
			req.MaxOutputTokens, req.Overrides = 8, []byte(`{"seed":7,"temperature":0,"options":{"top_k":1}}`)
			got, _, err := talk(t.Context(), m, req)
			if err != nil {
				t.Fatal(err)
			}
			said[i] = strings.ReplaceAll(texts(got), "|", "")
		}
		if said[0] != said[1] {
			t.Errorf("got %q", said)
		}
	})
	t.Run("formats", func(t *testing.T) {
		for _, f := range []llm.ResponseFormat{
			{Type: llm.FormatJSONObject},
			{Type: llm.FormatJSONSchema, Schema: []byte(`{"type":"object","properties":{"answer":{"type":"string","enum":["yes","no"]}},"required":["answer"],"additionalProperties":false}`)},
		} {
			req := ask("Is water wet? Answer in JSON.")
			req.ResponseFormat, req.MaxOutputTokens = f, 128
			got, finish, err := talk(t.Context(), m, req)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(texts(got), "|", "")
			if cut := finish.Reason == llm.FinishLength; !strings.HasPrefix(strings.TrimSpace(text), "{") || !cut && !json.Valid([]byte(text)) {
				t.Errorf("format %d: %q, %+v", f.Type, text, finish)
			}
		}
	})
	t.Run("embeddings", func(t *testing.T) {
		req := &llm.EmbedRequest{Texts: []string{"a cat", "", "a cat"}}
		for range embedBatch {
			req.Texts = append(req.Texts, "a dog")
		}
		out, err := m.Embed(t.Context(), req)
		if err != nil || len(out.Vectors) != len(req.Texts) || len(out.Vectors[0]) == 0 || out.Usage.InputTokens == 0 {
			t.Fatalf("got %+v, %v", out, err)
		}
		short, err := open(t, Config{BaseURL: base, Model: model, EmbeddingDimensions: 8}).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a cat"}})
		if err != nil || len(short.Vectors[0]) != 8 {
			t.Errorf("got %+v, %v", short, err)
		}
		_, err = open(t, Config{BaseURL: base, Model: model, EmbeddingDimensions: 8192}).Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a cat"}})
		if f := fault.Of(err); !fault.Is(err, fault.Invalid) || f.Path.String() != "embedding_dimensions" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a context that is too small", func(t *testing.T) {
		m := open(t, Config{BaseURL: base, Model: model, Truncate: new(false), MaxTokens: new(4), Options: Options{NumCtx: new(64)}})
		if _, _, err := talk(t.Context(), m, ask(strings.Repeat("again and ", 1000))); !fault.Is(err, fault.ContextTooLong) {
			t.Errorf("got %v", err)
		}
		if _, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{strings.Repeat("again and ", 1000)}}); !fault.Is(err, fault.ContextTooLong) {
			t.Errorf("embedding: %v", err)
		}
	})
	t.Run("check", func(t *testing.T) {
		if err := m.Check(t.Context()); err != nil {
			t.Error(err)
		}
		err := open(t, Config{BaseURL: base, Model: "botyard-no-such-model"}).Check(t.Context())
		if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "; it has ") || !strings.Contains(err.Error(), model) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("pull", func(t *testing.T) {
		m := open(t, Config{BaseURL: base, Model: "botyard-no-such-model", Pull: true})
		m.missing.patience = time.Minute
		_, _, err := talk(t.Context(), m, ask("Hi"))
		if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "pull") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("kit", func(t *testing.T) {
		// A model may be too small to keep a format before it reaches the end of its context.
		err := llmtest.Test(t.Context(), func(context.Context) (llm.LLM, error) {
			return New(Config{BaseURL: base, Model: model, MaxTokens: new(64)})
		}, llmtest.Overrides(), llmtest.Except("can-keep-formats"))
		if err != nil {
			t.Error(err)
		}
	})
}
