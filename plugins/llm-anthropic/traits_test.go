package anthropic

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

func describeAs(text string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// takes describes in words what the traits let a model take.
func takes(t sdk.LLMTraits) string {
	var out []string
	for name, m := range map[string]*chat.Media{
		"image": {Kind: chat.Image, MediaType: "image/png", Data: []byte("x")}, "pdf": {Kind: chat.File, MediaType: pdf, Data: []byte("x")}, "text": {Kind: chat.File, MediaType: "text/x", Data: []byte("x")},
	} {
		if llm.TakesMedia(t, m) {
			out = append(out, name)
		}
	}
	if t.Formats.JSONSchema {
		out = append(out, "schema")
	}
	if t.Tools.Required && t.Tools.Named {
		out = append(out, "forced")
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestModel_LLMTraits(t *testing.T) {
	const all = "forced image pdf schema text"
	for name, c := range map[string]struct {
		description string // "" refuses the route
		config      func(*Config)
		want        string
		context     int64
	}{
		"described": {`{"id":"claude-sonnet-4-6","type":"model","max_input_tokens":500000,"max_tokens":64000,"capabilities":{"image_input":{"supported":false},"pdf_input":{"supported":true},"structured_outputs":{"supported":false},"x":1},"y":2}`,
			nil, "forced pdf text", 500_000},
		"described in part": {`{"id":"claude-sonnet-4-6","type":"model","display_name":"S","created_at":"2025-02-19T00:00:00Z"}`, nil, all, 1_000_000},
		"described as null": {`{"id":"claude-sonnet-4-6","type":"model","max_input_tokens":null,"capabilities":null}`, nil, all, 1_000_000},
		"not described":     {"", nil, all, 1_000_000},
		"no description":    {"[]", nil, all, 1_000_000},
		"configured":        {`{"id":"m","max_input_tokens":500000}`, func(c *Config) { c.ContextSize = 1000 }, all, 1000},
		"thinking":          {"", func(c *Config) { c.Options.ThinkingBudget = 2000 }, "image pdf schema text", 1_000_000},
		"another model":     {"", func(c *Config) { c.Model = "glm-7" }, all, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if c.description != "" {
				s.model = describeAs(c.description)
			}
			m := s.open(c.config)
			got := m.LLMTraits(t.Context())
			if takes(got) != c.want || got.ContextTokens != c.context || got.Maker != m.maker || got.Reasoning != nil || got.Formats.JSONObject || got.Embeddings.Embeds || got.Tools.TextArguments {
				t.Errorf("%s %d %+v", takes(got), got.ContextTokens, got)
			}
		})
	}
}

// TestModel_Chat_defaultLimit checks that the default of max_tokens is at most the model's maximum, and
// that the plugin sends a configured value unchanged.
func TestModel_Chat_defaultLimit(t *testing.T) {
	s := newServer(t)
	s.model = describeAs(`{"id":"claude-3-haiku","max_tokens":4096}`)
	for configured, want := range map[int64]int64{0: 4096, 6000: 6000} {
		m := s.open(func(c *Config) { c.MaxTokens = configured })
		m.LLMTraits(t.Context())
		if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
			t.Fatal(err)
		}
		if req, err := parseWire(s.body()); err != nil || req.MaxTokens != want {
			t.Errorf("sent %+v, %v, want %d", req, err, want)
		}
	}
}

// TestModel_LLMTraits_slow checks that LLMTraits waits only a short time for a server that does not
// answer, and does not ask it again at once.
func TestModel_LLMTraits_slow(t *testing.T) {
	s := newServer(t)
	asked := make(chan struct{}, 10)
	release := make(chan struct{})
	s.model = func(http.ResponseWriter, string) { asked <- struct{}{}; <-release }
	defer close(release)
	m := s.open(nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 3 {
		if got := m.LLMTraits(ctx); got.ContextTokens != 1_000_000 {
			t.Errorf("%+v", got)
		}
	}
	if ctx.Err() != nil || len(asked) != 1 {
		t.Errorf("asked %d times, %v", len(asked), ctx.Err())
	}
}

func TestFamilyOf(t *testing.T) {
	show := func(p *bool) string {
		switch {
		case p == nil:
			return "?"
		case *p:
			return "yes"
		}
		return "no"
	}
	for model, want := range map[string]struct {
		context               int64
		images, pdfs, schemas string
	}{
		"claude-3-haiku-20240307":           {200_000, "yes", "?", "no"},
		"claude-3-5-sonnet-20241022":        {200_000, "yes", "yes", "no"},
		"claude-3-7-sonnet-latest":          {200_000, "yes", "yes", "no"},
		"claude-sonnet-4-20250514":          {200_000, "yes", "yes", "no"},
		"claude-opus-4-1-20250805":          {200_000, "yes", "yes", "yes"},
		"claude-haiku-4-5":                  {200_000, "yes", "yes", "yes"},
		"us.anthropic.claude-sonnet-4-5-v1": {200_000, "yes", "yes", "yes"},
		"claude-opus-4-6":                   {1_000_000, "yes", "yes", "yes"},
		"anthropic/claude-sonnet-4.6":       {1_000_000, "yes", "yes", "yes"},
		"claude-sonnet-5-5":                 {0, "yes", "yes", "yes"},
		"claude-fable-12":                   {0, "yes", "yes", "yes"},
		"claude-2.1":                        {0, "?", "?", "?"},
		"claude-mythos-preview":             {0, "?", "?", "?"},
		"some-model":                        {0, "?", "?", "?"},
	} {
		t.Run(model, func(t *testing.T) {
			d := familyOf(model)
			if d.context != want.context || show(d.images) != want.images || show(d.pdfs) != want.pdfs || show(d.schemas) != want.schemas {
				t.Errorf("%d %s %s %s", d.context, show(d.images), show(d.pdfs), show(d.schemas))
			}
		})
	}
}
