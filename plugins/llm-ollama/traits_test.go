package ollama

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// describes lets the server describe each model by a JSON text, and refuse the models that it does not
// have.
func (s *server) describes(models map[string]string) {
	s.show = func(w http.ResponseWriter, req *api.ShowRequest) {
		text, ok := models[req.Model]
		if !ok {
			refuse(w, http.StatusNotFound, fmt.Sprintf("model '%s' not found", req.Model))
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// summary returns what differs between models in the traits, as a text.
func summary(t sdk.LLMTraits) string {
	return fmt.Sprintf("%d tokens, %d media, tools %v, embeds %v, vectors of %d",
		t.ContextTokens, len(t.Media), t.Tools.Calls, t.Embeddings.Embeds, t.Embeddings.Dimensions)
}

const (
	gemma    = `{"capabilities":["completion","vision","tools"],"model_info":{"general.architecture":"gemma3","gemma3.context_length":131072,"gemma3.embedding_length":2560,"gemma3.vision.embedding_length":1152},"parameters":"stop \"<end>\"\nnum_ctx                        4096\n","license":"long"}`
	plain    = `{"capabilities":["completion"],"model_info":{"general.architecture":"llama","llama.context_length":2048}}`
	minilm   = `{"capabilities":["embedding"],"model_info":{"general.architecture":"bert","bert.context_length":512,"bert.embedding_length":384}}`
	cloud    = `{"remote_host":"https://ollama.com:443","capabilities":["completion","tools"],"model_info":{"general.architecture":"gptoss","gptoss.context_length":131072}}`
	earlier  = `{"license":"l","modelfile":"f","model_info":{"general.architecture":"llama","llama.context_length":2048,"llama.embedding_length":4096}}`
	nonsense = `{"capabilities":["completion","telepathy"],"parameters":"num_ctx many\nnum_ctx","model_info":{"general.architecture":7,"llama.context_length":-1,"7.context_length":"x"}}`
)

// TestModel_LLMTraits checks what the plugin tells the host of models, by how the server describes them.
func TestModel_LLMTraits(t *testing.T) {
	const everything = "0 tokens, 1 media, tools true, embeds true, vectors of 0"
	for name, c := range map[string]struct {
		describe map[string]string
		config   func(*Config)
		want     string
	}{
		"a model with its own context":            {map[string]string{"m": gemma}, nil, "4096 tokens, 1 media, tools true, embeds true, vectors of 0"},
		"a configured context":                    {map[string]string{"m": gemma}, func(c *Config) { c.Options.NumCtx = new(8192) }, "8192 tokens, 1 media, tools true, embeds true, vectors of 0"},
		"a configured context beyond the model's": {map[string]string{"m": plain}, func(c *Config) { c.Options.NumCtx = new(8192) }, "2048 tokens, 0 media, tools false, embeds true, vectors of 0"},
		"a context that the server chooses":       {map[string]string{"m": plain}, nil, "0 tokens, 0 media, tools false, embeds true, vectors of 0"},
		"a model that is elsewhere":               {map[string]string{"m": cloud}, nil, "131072 tokens, 0 media, tools true, embeds true, vectors of 0"},
		"an embedding model":                      {map[string]string{"m": minilm}, nil, "0 tokens, 0 media, tools false, embeds true, vectors of 384"},
		"another model for embeddings":            {map[string]string{"m": gemma, "e": minilm}, func(c *Config) { c.EmbeddingModel = "e" }, "4096 tokens, 1 media, tools true, embeds true, vectors of 384"},
		"a missing model for embeddings":          {map[string]string{"m": plain}, func(c *Config) { c.EmbeddingModel = "e" }, "0 tokens, 0 media, tools false, embeds true, vectors of 0"},
		"a server of an earlier version":          {map[string]string{"m": earlier}, nil, everything},
		"a missing model":                         {map[string]string{}, nil, everything},
		"a server without the route":              {nil, nil, everything},
		"a capability and values that are odd":    {map[string]string{"m": nonsense}, nil, "0 tokens, 0 media, tools false, embeds true, vectors of 0"},
		"an empty description":                    {map[string]string{"m": `{}`}, nil, everything},
		"a list":                                  {map[string]string{"m": `[]`}, nil, everything},
		"a page":                                  {map[string]string{"m": `<html>`}, nil, everything},
		"an error":                                {map[string]string{"m": `{"error":"no"}`}, nil, everything},
		"half a description":                      {map[string]string{"m": plain[:60]}, nil, everything},
		"a description beyond the bound":          {map[string]string{"m": `{"capabilities":["completion"],"license":"` + strings.Repeat("x", 8<<20) + `"}`}, nil, everything},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if c.describe != nil {
				s.describes(c.describe)
			}
			m := s.model(func(cfg *Config) {
				cfg.Model = "m"
				if c.config != nil {
					c.config(cfg)
				}
			})
			if got := summary(m.LLMTraits(t.Context())); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestModel_LLMTraits_asksSeldom checks that a description counts for a while, that a server that says
// nothing is not asked each time, and that a failure forgets nothing.
func TestModel_LLMTraits_asksSeldom(t *testing.T) {
	s := newServer(t)
	var asked atomic.Int64
	status := http.StatusInternalServerError
	s.show = func(w http.ResponseWriter, _ *api.ShowRequest) {
		if asked.Add(1); status != http.StatusOK {
			refuse(w, status, "no")
			return
		}
		_, _ = w.Write([]byte(minilm))
	}
	m := s.model(nil)
	describe := func(calls int64, dimensions int) {
		t.Helper()
		for range 3 {
			if got := m.LLMTraits(t.Context()).Embeddings.Dimensions; got != dimensions {
				t.Errorf("vectors of %d; want %d", got, dimensions)
			}
		}
		if got := asked.Load(); got != calls {
			t.Errorf("the server was asked %d times; want %d", got, calls)
		}
	}
	later := func(newStatus int) {
		if until := time.Until(m.known.again); until <= 0 {
			t.Errorf("the server may be asked again at once, %s ago", -until)
		}
		status, m.known.again = newStatus, time.Time{}
	}
	describe(1, 0)
	later(http.StatusOK)
	describe(2, 384)
	later(http.StatusInternalServerError)
	describe(3, 384)
}

// TestModel_LLMTraits_hangs checks that a server that does not answer is given up, and that a host that
// gives up is not taken for an answer.
func TestModel_LLMTraits_hangs(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // runs before the cleanup that closes the server
	s.show = func(http.ResponseWriter, *api.ShowRequest) { <-release }
	m := s.model(nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	m.LLMTraits(gone)
	if !m.known.again.IsZero() {
		t.Error("the server counts as asked, although the host gave up")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got := m.LLMTraits(ctx); got.Tools == nil || !got.Tools.Calls || ctx.Err() != nil {
		t.Errorf("traits %+v, %v", got, ctx.Err())
	}
}

// TestModel_Chat_refusesByTraits checks that the plugin refuses what the server said that the model does
// not take, with its path, and that a chat asks for no description.
func TestModel_Chat_refusesByTraits(t *testing.T) {
	s := newServer(t)
	s.describes(map[string]string{"gemma3:1b": plain})
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	m := s.model(nil)
	image := ask("look")
	image.Messages[0].Parts = append(image.Messages[0].Parts, chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte("x")}})
	tools := ask("call")
	tools.Tools = []llm.Tool{{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`)}}
	for _, req := range []*llm.Request{image, tools} {
		if _, _, err := talk(t.Context(), m, req); err != nil {
			t.Errorf("before the host configured the instance: %v", err)
		}
	}
	m.LLMTraits(t.Context())
	for path, req := range map[string]*llm.Request{"messages.0.parts.1": image, "tools": tools} {
		_, _, err := talk(t.Context(), m, req)
		if f := fault.Of(err); !fault.Is(err, fault.Unsupported) || f.Path.String() != path {
			t.Errorf("got %v; want a refusal at %s", err, path)
		}
	}
	if len(s.chats) != 2 {
		t.Errorf("the server got %d chats", len(s.chats))
	}
}

// TestPlugin_traits checks that the host gets the traits when it configures an instance.
func TestPlugin_traits(t *testing.T) {
	s := newServer(t)
	s.describes(map[string]string{"m": gemma})
	b := Plugin().Backend
	traits, err := b.Configure(t.Context(), "i", fmt.Appendf(nil, `{"base_url":%q,"model":"m"}`, s.URL), sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	if traits.LLM == nil || !reflect.DeepEqual(traits.LLM.Media, []sdk.MediaKind{{Kind: chat.Image, Sources: []string{sdk.SourceData}}}) || traits.LLM.ContextTokens != 4096 {
		t.Errorf("the traits are %+v", traits.LLM)
	}
}
