package anthropic

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
)

// TestConfig_Validate checks that the error lists everything that is wrong with a configuration.
func TestConfig_Validate(t *testing.T) {
	public, err := egress.New(egress.Public, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		want   string // the paths
	}{
		"fine":           {Config{APIKey: "k", Model: "m"}, ""},
		"a server":       {Config{BaseURL: "https://8.8.8.8/anthropic", Model: "m"}, ""},
		"nothing":        {Config{}, "model api_key"},
		"a seed":         {Config{APIKey: "k", Model: "m", Seed: new(int64)}, "seed"},
		"no URL":         {Config{BaseURL: "ftp://x", Model: "m"}, "base_url"},
		"a password":     {Config{BaseURL: "https://u:p@x", Model: "m"}, "base_url"},
		"a version":      {Config{BaseURL: "https://x/v1/", Model: "m"}, "base_url"},
		"a private host": {Config{BaseURL: "http://127.0.0.1", Model: "m"}, "base_url"},
		"a key":          {Config{APIKey: "a\nb", Model: "m"}, "api_key"},
		"numbers": {Config{APIKey: "k", Model: "m", MaxTokens: -1, ContextSize: -1, Temperature: pointer(1.1), TopP: pointer(-0.1), Stop: []string{" "}, Options: Options{TopK: pointer(int64(-1)), ThinkingBudget: 3}},
			"context_size max_tokens temperature top_p stop options.top_k options.thinking_budget options.thinking_budget options.thinking_budget options.thinking_budget options.thinking_budget"},
		"words": {Config{APIKey: "k", Model: "m", Options: Options{Thinking: "deep", ThinkingDisplay: "all", Effort: "some", Cache: "1d", ServiceTier: "x", Speed: "x", Betas: []string{"a,b"}}},
			"options.thinking options.thinking_display options.thinking_display options.effort options.cache options.service_tier options.speed options.betas"},
		"no budget":         {Config{APIKey: "k", Model: "m", Options: Options{Thinking: "enabled"}}, "options.thinking_budget"},
		"a budget too much": {Config{APIKey: "k", Model: "m", Options: Options{Thinking: "adaptive", ThinkingBudget: 2000}}, "options.thinking_budget"},
		"a great budget":    {Config{APIKey: "k", Model: "m", MaxTokens: 2000, Options: Options{ThinkingBudget: 2000}}, "options.thinking_budget"},
		"a display of none": {Config{APIKey: "k", Model: "m", Options: Options{ThinkingDisplay: "omitted"}}, "options.thinking_display"},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for _, f := range sdk.Problems(c.config.Validate(sdk.Env{Dialer: egress.NewDialer(public)})) {
				if f.Class != fault.Invalid || f.Party != fault.PartyTenant {
					t.Errorf("%+v", f)
				}
				paths = append(paths, f.Path.String())
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestConfig_settings_key checks that a newline at the end of the API key is ignored, because a file
// with a key ends with one.
func TestConfig_settings_key(t *testing.T) {
	s, err := Config{APIKey: "k\n", Model: "m"}.settings()
	if err != nil || s.APIKey != "k" {
		t.Errorf("%q, %v", s.APIKey, err)
	}
}

// TestPlugin_schema checks the schema of the configuration.
func TestPlugin_schema(t *testing.T) {
	info := Plugin().Info
	var s struct {
		Properties map[string]map[string]any
		Required   []string
	}
	if err := json.Unmarshal(info.ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	if info.Kind != "llm" || info.Name != "anthropic" || !slices.Equal(s.Required, []string{"model"}) || slices.Contains(info.Features, "embed") {
		t.Errorf("%+v, required %q", info, s.Required)
	}
	check := func(properties map[string]map[string]any, overridable string) {
		for name, p := range properties {
			if p["description"] == nil {
				t.Errorf("%s has no description", name)
			}
			if got := p[schema.SecretKeyword] == true; got != (name == "api_key") {
				t.Errorf("%s: secret is %v", name, got)
			}
			if got := p[schema.EndpointKeyword] == true; got != (name == "base_url") {
				t.Errorf("%s: endpoint is %v", name, got)
			}
			if got := p[schema.OverrideKeyword] == true; got != strings.Contains(" "+overridable+" ", " "+name+" ") {
				t.Errorf("%s: override is %v", name, got)
			}
		}
	}
	check(s.Properties, "max_tokens temperature top_p stop")
	text, err := json.Marshal(s.Properties["options"])
	if err != nil {
		t.Fatal(err)
	}
	var options struct {
		Properties           map[string]map[string]any
		AdditionalProperties *bool
	}
	if err := json.Unmarshal(text, &options); err != nil {
		t.Fatal(err)
	}
	if options.AdditionalProperties == nil || *options.AdditionalProperties {
		t.Errorf("a typo in options is no error: %s", text)
	}
	check(options.Properties, "top_k thinking thinking_budget thinking_display effort citations")
}

// TestNew_maker checks that provider states belong to a model on a server.
func TestNew_maker(t *testing.T) {
	makers := map[string]bool{}
	for _, c := range []Config{
		{APIKey: "k", Model: "m"}, {APIKey: "k", Model: "n"}, {BaseURL: "https://x", Model: "m"}, {BaseURL: "https://x/y", Model: "m"}, {BaseURL: "https://x/" + strings.Repeat("y", 300), Model: "m"},
	} {
		m := open(t, c)
		if makers[m.maker] || len(m.maker) > sdk.MaxMakerBytes {
			t.Errorf("%q of %+v", m.maker, c)
		}
		makers[m.maker] = true
	}
	one, other := open(t, Config{APIKey: "k", Model: "m"}), open(t, Config{APIKey: "l", Model: "m", BaseURL: "https://API.anthropic.com/", Temperature: pointer(0.0)})
	if one.maker != other.maker {
		t.Errorf("%q and %q", one.maker, other.maker)
	}
}

// TestNew_egress checks that the egress policy of the dialer applies to the instance.
func TestNew_egress(t *testing.T) {
	s := newServer(t)
	policy, err := egress.New(egress.Public, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{BaseURL: strings.Replace(s.URL, "127.0.0.1", "localhost", 1), APIKey: testKey, Model: "m"}, WithDialer(egress.NewDialer(policy)))
	if err == nil {
		defer m.Close()
		_, _, err = talk(context.Background(), m, ask("Hi"))
	}
	if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path.String() != "base_url" || s.requests() != 0 {
		t.Errorf("%+v", err)
	}
}
