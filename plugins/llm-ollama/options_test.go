package ollama

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/ollama/ollama/api"
)

// TestOptions_names checks that Options has the same options as api.Options, with the same types.
func TestOptions_names(t *testing.T) {
	ollamas := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[api.Options]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			ollamas[name] = strings.TrimPrefix(f.Type.String(), "*")
		}
	}
	for f := range reflect.TypeFor[Options]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if got, want := strings.TrimPrefix(f.Type.String(), "*"), ollamas[name]; got != want {
			t.Errorf("%s has the type %s; Ollama has %q", name, got, want)
		}
		delete(ollamas, name)
	}
	if len(ollamas) > 0 {
		t.Errorf("missing: %v", ollamas)
	}
}

// TestOptions_overrides checks which value counts if a configuration and the overrides of a request use
// the two names of one option.
func TestOptions_overrides(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	for name, c := range map[string]struct{ config, overrides, want string }{
		"zero":                  {`"temperature":1,"seed":7`, `{"temperature":0,"seed":0}`, `{"temperature":0,"seed":0}`},
		"the key alone":         {``, `{"temperature":0.5,"stop":["A"]}`, `{"temperature":0.5,"stop":["A"]}`},
		"the key, then option":  {`"temperature":1,"top_p":0`, `{"options":{"temperature":0}}`, `{"temperature":0,"top_p":0}`},
		"the option, then key":  {`"options":{"temperature":1,"num_ctx":9}`, `{"temperature":0}`, `{"temperature":0,"num_ctx":9}`},
		"no stops":              {`"options":{"stop":["A"]},"max_tokens":3`, `{"stop":[]}`, `{"num_predict":3}`},
		"the option, then more": {`"options":{"top_k":1,"min_p":0}`, `{"options":{"top_k":0}}`, `{"top_k":0,"min_p":0}`},
	} {
		t.Run(name, func(t *testing.T) {
			block := `{"model":"m"}`
			if c.config != "" {
				block = `{"model":"m",` + c.config + `}`
			}
			cfg, err := decode(t, block)
			if err != nil {
				t.Fatal(err)
			}
			cfg.BaseURL = s.URL
			m := open(t, cfg)
			for range 2 { // an override leaves nothing behind
				req := ask("Hi")
				req.Overrides = json.RawMessage(c.overrides)
				if _, _, err := talk(t.Context(), m, req); err != nil {
					t.Fatal(err)
				}
				golden(t, s.lastChat().Options, c.want)
			}
			if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
				t.Fatal(err)
			}
			got := s.lastChat().Options
			own, err := cfg.modelOptions()
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := own.wire(); len(want) != len(got) {
				t.Errorf("without overrides the server got %v", got)
			}
		})
	}
}

func TestOptions_refusesOverrides(t *testing.T) {
	m := open(t, Config{Model: "m", BaseURL: "http://127.0.0.1:1", MaxTokens: new(5)})
	for overrides, path := range map[string]string{
		`{"temperature":0,"options":{"temperature":0}}`: "overrides.temperature",
		`{"temperature":-1}`:                            "overrides.temperature",
		`{"top_p":2}`:                                   "overrides.top_p",
		`{"max_tokens":9}`:                              "overrides.max_tokens",
		`{"stop":[""]}`:                                 "overrides.stop",
		`{"stop":"END"}`:                                "overrides.stop",
		`{"seed":1.5}`:                                  "overrides.seed",
		`{"options":{"num_ctx":9}}`:                     "overrides.options.num_ctx",
		`{"options":{"num_predict":9}}`:                 "overrides.options.num_predict",
		`{"options":{"top_kk":9}}`:                      "overrides.options.top_kk",
	} {
		t.Run(overrides, func(t *testing.T) {
			req := ask("Hi")
			req.Overrides = json.RawMessage(overrides)
			_, _, err := talk(t.Context(), m, req)
			if f := fault.Of(err); err == nil || f.Class != fault.Invalid || f.Party != fault.PartyCaller || f.Path.String() != path {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestOptions_authors checks that a tenant and a request may set only the options that choose words.
func TestOptions_authors(t *testing.T) {
	var s struct {
		Properties map[string]struct {
			Properties map[string]map[string]any
		}
	}
	if err := json.Unmarshal(Plugin().Info.ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	var open []string
	for name, p := range s.Properties["options"].Properties {
		if p[schema.OverrideKeyword] != p[schema.TenantKeyword] {
			t.Errorf("%s: %v", name, p)
		}
		if p[schema.OverrideKeyword] == true {
			open = append(open, name)
		}
	}
	slices.Sort(open)
	if want := []string{"frequency_penalty", "min_p", "presence_penalty", "repeat_last_n", "repeat_penalty", "seed", "stop", "temperature", "top_k", "top_p", "typical_p"}; !slices.Equal(open, want) {
		t.Errorf("open to tenants and requests: %q", open)
	}
}
