package openaillm

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

func TestPlugin_schema(t *testing.T) {
	info := Plugin().Info
	if info.Kind != llm.Kind || info.Name != "openai" || !reflect.DeepEqual(info.Features, []string{feature.Embed, feature.Tools, feature.ResponseFormat, feature.Overrides, feature.Egress}) {
		t.Errorf("%+v", info)
	}
	type property struct {
		Description string
		Properties  map[string]property
		Closed      *bool `json:"additionalProperties"`
		Secret      bool  `json:"x-botyard-secret"`
		Endpoint    bool  `json:"x-botyard-endpoint"`
		Override    bool  `json:"x-botyard-override"`
	}
	var s property
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(info.ConfigSchema), `"additionalProperties":{}`, `"x":1`)), &s); err != nil {
		t.Fatal(err)
	}
	var overridable []string
	var visit func(prefix string, p property)
	visit = func(prefix string, p property) {
		if p.Closed == nil || *p.Closed {
			t.Errorf("%q accepts unknown keys", prefix)
		}
		for name, one := range p.Properties {
			path := prefix + name
			if one.Description == "" {
				t.Errorf("%s has no description", path)
			}
			if one.Secret != (path == "api_key") || one.Endpoint != (path == "base_url") {
				t.Errorf("%s: secret %t, endpoint %t", path, one.Secret, one.Endpoint)
			}
			if one.Override {
				overridable = append(overridable, path)
			}
			if len(one.Properties) > 0 {
				visit(path+".", one)
			}
		}
	}
	visit("", s)
	slices.Sort(overridable)
	want := []string{
		"max_tokens", "options.frequency_penalty", "options.min_p", "options.presence_penalty", "options.reasoning_effort", "options.reasoning_summary",
		"options.repetition_penalty", "options.top_k", "options.verbosity", "seed", "stop", "temperature", "top_p",
	}
	if !slices.Equal(overridable, want) {
		t.Errorf("a request may override %q", overridable)
	}
}

// TestConfig_decode checks that 0 is a value, and that a misspelt key in the options is an error.
func TestConfig_decode(t *testing.T) {
	text := Plugin().Info.ConfigSchema
	var c Config
	if err := schema.Decode(text, []byte(`{"model":"m","temperature":0,"top_p":0,"seed":0,"options":{"presence_penalty":0}}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Temperature == nil || c.TopP == nil || c.Seed == nil || c.Options.PresencePenalty == nil || c.MaxTokens != nil || c.Azure != nil ||
		c.BaseURL != defaultBaseURL || c.EmbeddingBatch != defaultBatch || c.API != apiAuto {
		t.Errorf("%+v", c)
	}
	if err := schema.Decode(text, []byte(`{"model":"m","options":{"reasoning_efort":"low"}}`), &c); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func TestConfig_Validate(t *testing.T) {
	policy, err := egress.New(egress.Public, nil)
	if err != nil {
		t.Fatal(err)
	}
	public := sdk.Env{Dialer: egress.NewDialer(policy)}
	for name, c := range map[string]struct {
		cfg  Config
		env  sdk.Env
		want string // the paths of the mistakes
	}{
		"the least":           {Config{Model: "m"}, public, ""},
		"nothing":             {Config{}, sdk.Env{}, "model"},
		"all at once":         {Config{BaseURL: "ftp://h", APIKey: "a\nb", Organization: "a\nb", Project: "a\nb", API: "x"}, sdk.Env{}, "base_url model api_key organization project api"},
		"numbers":             {Config{Model: "m", Temperature: ptr(2.1), TopP: ptr(-0.1), MaxTokens: ptr(0), Dimensions: -1, EmbeddingBatch: 3000, Parallel: -1, ContextSize: -1}, sdk.Env{}, "temperature top_p max_tokens dimensions embedding_batch parallel context_size"},
		"options":             {Config{Model: "m", Options: Options{FrequencyPenalty: ptr(3.0), PresencePenalty: ptr(-3.0), MinP: ptr(2.0), RepetitionPenalty: ptr(-1.0)}}, sdk.Env{}, "options.frequency_penalty options.presence_penalty options.min_p options.repetition_penalty"},
		"only chat has it":    {Config{Model: "m", API: apiResponses, Stop: []string{"x"}, Seed: ptr(int64(1)), Options: Options{TopK: ptr(1)}}, sdk.Env{}, "stop seed options.top_k"},
		"only responses has":  {Config{Model: "m", API: apiChat, Options: Options{ReasoningSummary: "auto"}}, sdk.Env{}, "options.reasoning_summary"},
		"auto with both":      {Config{Model: "m", Seed: ptr(int64(1)), Options: Options{ReasoningSummary: "auto"}}, sdk.Env{}, "options.reasoning_summary"},
		"auto with one":       {Config{Model: "m", Options: Options{ReasoningSummary: "auto"}}, sdk.Env{}, ""},
		"stops":               {Config{Model: "m", Stop: make([]string, 1)}, sdk.Env{}, "stop"},
		"a private address":   {Config{Model: "m", BaseURL: "http://127.0.0.1:8000/v1"}, public, "base_url"},
		"Azure":               {Config{Model: "m", BaseURL: "https://n.openai.azure.com/openai/v1/", Azure: &Azure{}}, sdk.Env{}, ""},
		"Azure, old":          {Config{Model: "m", BaseURL: "https://n.openai.azure.com", Azure: &Azure{APIVersion: "2024-10-21"}}, sdk.Env{}, ""},
		"Azure, no version":   {Config{Model: "m", BaseURL: "https://n.openai.azure.com", Azure: &Azure{}}, sdk.Env{}, "azure.api_version"},
		"Azure, odd version":  {Config{Model: "m", BaseURL: "https://n.openai.azure.com", Azure: &Azure{APIVersion: "a&b"}}, sdk.Env{}, "azure.api_version"},
		"Azure, no responses": {Config{Model: "m", API: apiResponses, BaseURL: "https://n.openai.azure.com", Azure: &Azure{APIVersion: "2024-10-21"}}, sdk.Env{}, "api"},
	} {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for _, f := range sdk.Problems(c.cfg.Validate(c.env)) {
				paths = append(paths, f.Path.String())
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("mistakes at %q; want %q", got, c.want)
			}
		})
	}
}

// TestConfig_settings checks which API the plugin chooses.
func TestConfig_settings(t *testing.T) {
	for name, c := range map[string]struct {
		cfg       Config
		responses bool
	}{
		"OpenAI":            {Config{}, true},
		"a region":          {Config{BaseURL: "https://EU.api.openai.com/v1"}, true},
		"another server":    {Config{BaseURL: "http://127.0.0.1:8000/v1"}, false},
		"a name like it":    {Config{BaseURL: "https://api.openai.com.example.org/v1"}, false},
		"another by choice": {Config{BaseURL: "http://127.0.0.1:8000/v1", API: apiResponses}, true},
		"OpenAI by choice":  {Config{API: apiChat}, false},
		"with a seed":       {Config{Seed: ptr(int64(0))}, false},
		"Azure":             {Config{BaseURL: "https://n.openai.azure.com/openai/v1", Azure: &Azure{}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Model = "m"
			s, err := c.cfg.settings()
			if err != nil || s.responses != c.responses {
				t.Errorf("%t, %v", s.responses, err)
			}
		})
	}
}
