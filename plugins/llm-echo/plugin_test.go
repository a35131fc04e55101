package echo

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

func decode(t *testing.T, block string) (Config, error) {
	t.Helper()
	var cfg Config
	err := schema.Decode(Plugin().Info.ConfigSchema, []byte(block), &cfg)
	return cfg, err
}

func TestPlugin_info(t *testing.T) {
	info := Plugin().Info
	if info.Kind != llm.Kind || info.Name != "echo" || info.Version != Version {
		t.Errorf("%+v", info)
	}
	if !reflect.DeepEqual(info.Features, []string{feature.Embed, feature.Tools, feature.ResponseFormat, feature.Overrides}) {
		t.Errorf("features %q", info.Features)
	}
}

func TestPlugin_schemaMarks(t *testing.T) {
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
