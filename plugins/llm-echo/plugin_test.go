package echo

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

func decode(t *testing.T, block string) (Config, error) {
	t.Helper()
	var cfg Config
	err := schema.Decode(Plugin().Info.ConfigSchema, []byte(block), &cfg)
	return cfg, err
}

func TestPluginInfo(t *testing.T) {
	info := Plugin().Info
	if info.Kind != llm.Kind || info.Name != "echo" || info.Version != Version {
		t.Errorf("%+v", info)
	}
	if !reflect.DeepEqual(info.Capabilities, []string{llm.CapEmbed}) {
		t.Errorf("capabilities %q", info.Capabilities)
	}
}

func TestConfigDefaults(t *testing.T) {
	cfg, err := decode(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Config{Model: "echo"}); !reflect.DeepEqual(cfg, want) {
		t.Errorf("defaults %+v, want %+v", cfg, want)
	}
}

func TestConfigBlock(t *testing.T) {
	cfg, err := decode(t, `{"model":"m","api_key":"k","base_url":"https://e","tokens":9,"first_token_delay_ms":1,
		"token_delay_ms":2,"fail":{"class":"internal","after_tokens":3,"times":4,"retry_after_ms":5,"message":"x"},
		"hang_after_tokens":0,"crash_after_tokens":-1}`)
	if err != nil {
		t.Fatal(err)
	}
	zero, never := 0, -1
	want := Config{Model: "m", APIKey: "k", BaseURL: "https://e", Tokens: 9, FirstTokenDelayMS: 1, TokenDelayMS: 2,
		Fail:            &Fail{Class: "internal", AfterTokens: 3, Times: 4, RetryAfterMS: 5, Message: "x"},
		HangAfterTokens: &zero, CrashAfterTokens: &never}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v, want %+v", cfg, want)
	}
	if _, err := decode(t, `{"modle":"m"}`); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestSchemaMarks(t *testing.T) {
	var s struct {
		Properties map[string]map[string]any
		Required   []string
	}
	if err := json.Unmarshal(Plugin().Info.ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Required) != 0 {
		t.Errorf("required: %q", s.Required)
	}
	for name, p := range s.Properties {
		if p["description"] == nil {
			t.Errorf("%s has no description", name)
		}
		if got := p[schema.SecretKeyword] == true; got != (name == "api_key") {
			t.Errorf("%s: secret is %v", name, got)
		}
		if got := p[schema.EndpointKeyword] == true; got != (name == "base_url") {
			t.Errorf("%s: endpoint is %v", name, got)
		}
	}
}
