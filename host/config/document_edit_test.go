package config

import (
	"reflect"

	"fmt"
	"strings"
	"testing"
)

// TestDocument_MarkSecret checks a text that was stored as a secret, after a new version of the
// plugin has stopped marking its key as secret. The text is still hidden, still resolved, and can
// still be sent back as "<secret>".
func TestDocument_MarkSecret(t *testing.T) {
	const key = "sk-sealed-0123456789"
	h := loadHost(t, "{}")
	s := fakeSchemas{
		"llm":     {"echo": compile(t, `{"type":"object","properties":{"api_key":{"type":"string"},"other":{"type":"string"}}}`)},
		"memory":  {"buffer": compile(t, `{"type":"object"}`)},
		"storage": {"memory": compile(t, `{"type":"object"}`)},
	}
	settings := func(value string) map[string]any {
		return map[string]any{
			"llm":    map[string]any{"provider": "echo", "api_key": value, "other": "plain"},
			"memory": map[string]any{"type": "buffer"}, "conversation_storage": map[string]any{"backend": "memory"},
		}
	}
	kept := FromMap("registry", settings(key)).MarkSecret([]Path{{"llm", "api_key"}})
	for name, doc := range map[string]*Document{
		"as it was kept": kept,
		"sent back":      RestoreSecrets(FromMap("body", settings(secretPlaceholder)), kept),
		"another value":  RestoreSecrets(FromMap("body", settings(key)), kept),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := h.Tenant(t.Context(), "a", Documents{Operator: doc}, s)
			if err != nil {
				t.Fatal(name, err)
			}
			secrets, _ := e.TenantSecrets()
			literals := secrets.Literals
			if len(literals) != 1 || literals[0].String() != "llm.api_key" {
				t.Errorf("%s: secrets at %v", name, literals)
			}
			if got := fmt.Sprintf("%+v %+v", e.Explain(), e.LLM.Config); strings.Contains(got, key) || !strings.Contains(got, "plain") {
				t.Errorf("%s: shown: %s", name, got)
			}
			if r, err := h.ResolveBlock(e, e.LLM); err != nil || len(r.Secrets) != 1 || r.Secrets[0] != key || !strings.Contains(string(r.Config), key) {
				t.Errorf("%s: resolved to %d secrets, %v", name, len(r.Secrets), err)
			}
			if label := h.SealBlock("a", e.LLM).Label(); strings.Contains(label, key) {
				t.Errorf("%s: labelled %s", name, label)
			}
		})
	}
}

func TestDocument_ReplaceText(t *testing.T) {
	doc := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}], n: 7}}`)
	got := doc.ReplaceText([]Path{{"llm", "keys", "0", "value"}, {"llm", "n"}, {"none"}}, func(path Path, text string) string {
		return path.String() + "=" + text
	})
	want := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: llm.keys.0.value=sk-2}], n: 7}}`)
	if !reflect.DeepEqual(got.Values(), want.Values()) {
		t.Errorf("got %v", got.Values())
	}
}
