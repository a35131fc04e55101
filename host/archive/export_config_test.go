package archive

import (
	"errors"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
)

func TestNewTenantLine_noSecrets(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", `{"llm": {"model": "m", "api_key": "sk-hunter2", "keys": [{"key": "hunter3"}, {"key": "hunter4"}]}, "prompts": {"system": "p"}}`)
	s.register("r", "one", `{"llm": {"api_key": "${env:KEY}"}}`)
	for id, want := range map[string]string{"a": `["llm.api_key","llm.keys"]`, "r": `["llm.api_key"]`} {
		t.Run(id, func(t *testing.T) {
			export := s.export(id, "")
			for _, secret := range []string{"hunter", "${env", "from-the-environment", "sealed"} {
				if strings.Contains(export, secret) {
					t.Errorf("has %q: %s", secret, export)
				}
			}
			if !strings.Contains(export, `"left_out":`+want) || id == "a" && !strings.Contains(export, `"system":"p"`) {
				t.Error(export)
			}
		})
	}
	// An export leaves out secrets also when the configuration is no longer valid, so that the
	// host does not know which keys are secret.
	if _, err := s.reg.Put(t.Context(), "f", config.FromMap("f", map[string]any{"llm": map[string]any{"api_key": "sk-hunter2"}}), putFile); err != nil {
		t.Fatal(err)
	}
	s.register("late", "one", `{"llm": {"api_key": "${env:KEY}"}}`)
	s.plugins["llm"], _ = config.CompileSchema([]byte(`{"type": "object", "additionalProperties": false}`))
	s.reg.RefuseFile("broken", "broken.hcl", errors.New("bad"))
	for _, id := range []string{"f", "broken", "late", "r"} {
		t.Run(id, func(t *testing.T) {
			if export := s.export(id, ""); strings.Contains(export, "hunter") || strings.Contains(export, "KEY") || strings.Contains(export, `"left_out":[]`) {
				t.Error(export)
			}
		})
	}
}

// TestNewTenantLine_formerSecrets checks that an export leaves out a key that a new version of
// its plugin no longer marks as secret. The test then applies the tenant's file again with an
// equal and with a changed configuration.
func TestNewTenantLine_formerSecrets(t *testing.T) {
	s := newTestHost(t, newTestStorages(), nil)
	put := func(model string) {
		t.Helper()
		doc := config.FromMap("f", map[string]any{"llm": map[string]any{"api_key": "sk-hunter2", "model": model}})
		if _, err := s.reg.Put(t.Context(), "f", doc, putFile); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	s.plugins["llm"], _ = config.CompileSchema([]byte(`{"type": "object", "properties": {"api_key": {"type": "string"}, "model": {"type": "string"}}}`))
	for _, model := range []string{"one", "two"} {
		put(model)
		if export := s.export("f", ""); strings.Contains(export, "hunter") || !strings.Contains(export, `"left_out":["llm.api_key"]`) {
			t.Error(export)
		}
	}
}
