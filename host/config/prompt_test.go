package config

import (
	"strings"
	"testing"
)

func TestPrompt_variables(t *testing.T) {
	e := tenant(t, loadHost(t, `
defaults:
  llm: {provider: echo}
  prompts: {system: "You speak for {{ company }}. {{note}} {{{{7*7}} {7} }} {{{company}}} {{{{{{note}}", variables: {note: none}}`),
		`prompts: {variables: {company: "{{note}}", note: "{{company}} ${env:HOME}!"}}`)
	const want = "You speak for {{note}}. {{company}} ${env:HOME}! {{7*7}} {7} }} {{{note}}} {{{{company}} ${env:HOME}!"
	if e.System != want {
		t.Errorf("got  %s\nwant %s", e.System, want)
	}
}

// TestPrompt_bound checks that a short document cannot produce a system prompt above the maximum
// size by using one variable many times.
func TestPrompt_bound(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: echo}}`)
	make := func(uses, length int) error {
		doc := yamlDoc(t, "prompts: {system: '"+strings.Repeat("{{a}}", uses)+"', variables: {a: '"+strings.Repeat("x", length)+"'}}")
		_, err := h.Tenant(t.Context(), "acme", Documents{Operator: doc}, testSchemas(t))
		return err
	}
	if err := make(1<<10, 1<<10); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		uses, length int
		want         string
	}{
		// beyond: system prompt
		{1<<10 + 1, 1 << 10, "has 1049600 bytes with its variables; expected at most 1048576"}, {100_000, 500_000, "has 50000000000 bytes"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if err := make(c.uses, c.length); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.300v; want %s", err, c.want)
			}
		})
	}
}
