package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestDocuments_layers checks that the tenant's own document is merged on top of the operator's
// document, and that Explain names the layer of each key.
func TestDocuments_layers(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: ollama, model: m}, prompts: {system: "You work for {{name}}.", variables: {name: "?"}}}`)
	docs := Documents{
		Operator: yamlDoc(t, `{llm: {temperature: 0.5}, prompts: {variables: {name: ACME}}}`),
		Own:      FromMap("own", map[string]any{"prompts": map[string]any{"variables": map[string]any{"name": "Acme Inc"}}}),
	}
	e, err := h.Tenant(t.Context(), "client-a", docs, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	if e.Prompts.System.String() != "You work for Acme Inc." {
		t.Errorf("the system prompt is %q", e.Prompts.System)
	}
	for _, entry := range e.Explain() {
		if entry.Path.String() == "prompts.variables.name" && (entry.Layer != "tenant's own settings" || entry.Pos.File != "own") {
			t.Errorf("%+v", entry)
		}
	}
	docs.Own = nil
	without, err := h.Tenant(t.Context(), "client-a", docs, testSchemas(t))
	if err != nil || without.Revision == e.Revision {
		t.Errorf("one revision with and without the own document: %v", err)
	}
}

// TestEffective_TenantSecrets checks that TenantSecrets also returns a secret of the operator's
// document that the tenant's own document replaces or drops.
func TestEffective_TenantSecrets(t *testing.T) {
	h := loadHost(t, `{defaults: {llm: {provider: openai, model: m}},
		tenant_policy: {keys: ["*", llm.model, llm.api_key, llm.base_url, llm.headers], plugins: {llm: [ollama]}}}`)
	operator := yamlDoc(t, `llm: {provider: openai, api_key: sk-of-the-operator, headers: {h: also-secret}}`)
	for own, want := range map[string]string{
		`{llm: {api_key: sk-of-the-tenant}}`:                       "[llm.api_key llm.headers.h] [llm.api_key]",
		`{llm: {headers: ~}}`:                                      "[llm.api_key llm.headers.h] []",
		`{llm: {provider: ollama, model: m}}`:                      "[llm.api_key llm.headers.h] []",
		`{llm: {base_url: "http://x", api_key: sk-of-the-tenant}}`: "[llm.api_key llm.headers.h] [llm.api_key]",
		`{prompts: {system: hello}}`:                               "[llm.api_key llm.headers.h] []",
	} {
		t.Run(own, func(t *testing.T) {
			doc, err := ParseYAML("own", []byte(own))
			if err != nil {
				t.Fatal(err)
			}
			e, err := h.Tenant(t.Context(), "a", Documents{Operator: operator, Own: doc}, testSchemas(t))
			if err != nil {
				t.Errorf("%s: %v", own, err)
				return
			}
			ofOperator, ofOwn := e.TenantSecrets()
			if got := fmt.Sprint(ofOperator.Literals, ofOwn.Literals); got != want {
				t.Errorf("%s: secrets at %s, not %s", own, got, want)
			}
			if got := fmt.Sprintf("%+v", e.Explain()); strings.Contains(got, "sk-of") || strings.Contains(got, "also-secret") {
				t.Errorf("%s: shown: %s", own, got)
			}
		})
	}
}
