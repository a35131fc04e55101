package config

import (
	"strings"
	"testing"
)

// What a null, and what is empty, does to what is inherited is the same in each format.
func TestOnlyANullThatIsWrittenOutRemoves(t *testing.T) {
	h := loadHost(t, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b"}
  prompts:
    system: inherited from {{who}}
    variables: {who: the operator}
`)
	const inherited = "inherited from the operator"
	for _, c := range []struct{ name, hcl, yaml, json, want string }{
		{"nothing", "", "", "{}", inherited},
		{"an empty map", "prompts {}", "prompts: {}", `{"prompts": {}}`, inherited},
		{"an empty map in an attribute", "prompts = {}", "prompts: {variables: {}}", `{"prompts": {"variables": {}}}`, inherited},
		{"a null text", "prompts {\n system = null\n}", "prompts: {system: null}", `{"prompts": {"system": null}}`, ""},
		{"a null map", "prompts = null", "prompts: null", `{"prompts": null}`, ""},
		{"a tilde", "prompts {\n system = null\n}", "prompts:\n  system: ~", `{"prompts": {"system": null}}`, ""},
		{"an empty text", "prompts {\n system = \"\"\n}", "prompts: {system: ''}", `{"prompts": {"system": ""}}`, ""},
	} {
		for format, src := range map[string]string{"tenant.hcl": c.hcl, "tenant.yaml": c.yaml, "tenant.json": c.json} {
			p, _ := parserFor(format)
			if _, err := p.Unmarshal([]byte(src)); err != nil {
				t.Errorf("%s in %s: %v", c.name, format, err)
				continue
			}
			e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: p.doc}, testSchemas(t))
			if err != nil {
				t.Errorf("%s in %s: %v", c.name, format, err)
			} else if e.System != c.want {
				t.Errorf("%s in %s: the system prompt is %q, want %q", c.name, format, e.System, c.want)
			}
		}
	}
	// FromMap's nil is one that is written out.
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: FromMap("map", map[string]any{"prompts": nil})}, testSchemas(t))
	if err != nil || e.System != "" {
		t.Errorf("%v: %v", err, e)
	}
}

func TestWhatIsEmptyInYAMLIsAnError(t *testing.T) {
	const src = "prompts:\n#  system: mine\n"
	_, err := ParseYAML("tenant.yaml", []byte(src))
	if err == nil || !strings.HasPrefix(err.Error(), "tenant.yaml:1:1: prompts: is empty; expected ") {
		t.Errorf("%v", err)
	}
	doc, err := ParseKept("tenant.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := doc.Values()["prompts"]; !ok || v != nil {
		t.Errorf("what was kept is read as %v", doc.Values())
	}
}
