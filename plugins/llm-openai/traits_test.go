package openaillm

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func TestModel_LLMTraits(t *testing.T) {
	image := &chat.Media{Kind: chat.Image, URL: "https://example.org/a.png"}
	for name, c := range map[string]struct {
		cfg        Config
		context    int64
		images     bool
		embeds     bool
		dimensions int
		textTools  bool
	}{
		"unknown":                  {Config{Model: "new"}, 0, true, true, 0, false},
		"gpt-5":                    {Config{Model: "gpt-5-2025-08-07"}, 400_000, true, false, 0, true},
		"gpt-4":                    {Config{Model: "gpt-4"}, 8192, false, false, 0, false},
		"a model of OpenRouter":    {Config{Model: "openai/gpt-4o", BaseURL: "https://openrouter.ai/api/v1"}, 128_000, true, false, 0, false},
		"a like name elsewhere":    {Config{Model: "gpt-4", BaseURL: "http://127.0.0.1:1/v1"}, 0, true, true, 0, false},
		"a longer name":            {Config{Model: "gpt-4-vision-preview"}, 0, true, true, 0, false},
		"context by configuration": {Config{Model: "gpt-4", ContextSize: 99}, 99, false, false, 0, false},
		"images by configuration":  {Config{Model: "new", Images: ptr(false)}, 0, false, true, 0, false},
		"images of gpt-4":          {Config{Model: "gpt-4", Images: ptr(true)}, 8192, true, false, 0, false},
		"embedding":                {Config{Model: "gpt-5", EmbeddingModel: "text-embedding-3-small"}, 400_000, true, true, 1536, true},
		"shorter vectors":          {Config{Model: "text-embedding-3-large", Dimensions: 256}, 8192, false, true, 256, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := open(t, c.cfg).LLMTraits(t.Context())
			if got.ContextTokens != c.context || llm.TakesMedia(got, image) != c.images || got.Embeddings.Embeds != c.embeds ||
				got.Embeddings.Dimensions != c.dimensions || got.Tools.TextArguments != c.textTools {
				t.Errorf("%+v %+v %+v", got, got.Tools, got.Embeddings)
			}
			if len(got.Maker) > sdk.MaxMakerBytes || !strings.HasPrefix(got.Maker, "openai/") {
				t.Errorf("the maker is %q", got.Maker)
			}
		})
	}
}

// TestModel_maker checks that instances have the same maker only if they have the same account, model
// and API.
func TestModel_maker(t *testing.T) {
	base := Config{Model: "m", APIKey: testKey}
	maker := func(change func(*Config)) string {
		c := base
		change(&c)
		return open(t, c).traits.Maker
	}
	first := maker(func(*Config) {})
	if strings.Contains(first, testKey) {
		t.Error("the maker has the key")
	}
	for name, c := range map[string]struct {
		change func(*Config)
		same   bool
	}{
		"another key":     {func(c *Config) { c.APIKey = "k" }, true},
		"temperature":     {func(c *Config) { c.Temperature = ptr(0.0) }, true},
		"another model":   {func(c *Config) { c.Model = "n" }, false},
		"another server":  {func(c *Config) { c.BaseURL = "https://eu.api.openai.com/v1" }, false},
		"another project": {func(c *Config) { c.Project = "p" }, false},
		"another org":     {func(c *Config) { c.Organization = "p" }, false},
		"another API":     {func(c *Config) { c.API = apiChat }, false},
		"same server":     {func(c *Config) { c.BaseURL = "https://API.openai.com:443/v1/" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := maker(c.change); (got == first) != c.same {
				t.Errorf("%q and %q", got, first)
			}
		})
	}
}

func TestModel_Capacity(t *testing.T) {
	a, b := open(t, Config{Model: "m"}), open(t, Config{Model: "m", Parallel: 2})
	c := open(t, Config{Model: "m", Parallel: 3, BaseURL: "https://api.openai.com/v1/"})
	if got := a.Capacity(); got != (sdk.Capacity{}) {
		t.Errorf("%+v", got)
	}
	if b.Capacity().Parallel != 2 || b.Capacity().Upstream == "" || b.Capacity().Upstream != c.Capacity().Upstream {
		t.Errorf("%+v %+v", b.Capacity(), c.Capacity())
	}
}

// TestModel_Chat_refusesImages checks that what the traits exclude is refused.
func TestModel_Chat_refusesImages(t *testing.T) {
	req := ask("Hi")
	req.Messages[0].Parts = append(req.Messages[0].Parts, chat.Part{Media: &chat.Media{Kind: chat.Image, URL: "https://example.org/a.png"}})
	_, _, err := talk(t.Context(), newServer(t).model(func(c *Config) { c.Images = ptr(false) }), req)
	if f := fault.Of(err); err == nil || f.Class != fault.Unsupported || f.Path.String() != "messages.0.parts.1" {
		t.Error(err)
	}
}
