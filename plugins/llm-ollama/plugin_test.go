package ollama

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

func TestPlugin_schema(t *testing.T) {
	info := Plugin().Info
	if info.Kind != llm.Kind || info.Name != "ollama" || !reflect.DeepEqual(info.Features, []string{feature.Embed, feature.Tools, feature.ResponseFormat, feature.Overrides, feature.Egress}) {
		t.Errorf("%+v", info)
	}
	var s struct {
		Properties map[string]map[string]any
		Required   []string
	}
	if err := json.Unmarshal(info.ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Required, []string{"model"}) {
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
	types := []any{map[string]any{"type": "string"}, map[string]any{"type": "number"}}
	if got := s.Properties["keep_alive"]["oneOf"]; !reflect.DeepEqual(got, types) {
		t.Errorf("keep_alive: %v", s.Properties["keep_alive"])
	}
}
