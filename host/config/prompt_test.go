package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/prompt"
)

// revisionOfBefore is the revision that hosts which know only constant variables compute for a plain
// prompt.
const revisionOfBefore = "65d436b85e3daba637155125098d5c31"

func TestPrompt_variables(t *testing.T) {
	e := tenant(t, loadHost(t, `
defaults:
  llm: {provider: echo}
  prompts: {system: "You speak for {{ company }}. {{note}} {{{{7*7}} {7} }} {{{company}}} {{{{{{note}}", variables: {note: none}}`),
		`prompts: {variables: {company: "{{note}}", note: "{{company}} ${env:HOME}!"}}`)
	const want = "You speak for {{note}}. {{company}} ${env:HOME}! {{7*7}} {7} }} {{{note}}} {{{{company}} ${env:HOME}!"
	if e.Prompts.System.String() != want {
		t.Errorf("got  %s\nwant %s", e.Prompts.System, want)
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

// TestPrompt_ofATurn checks the prompts, keys and zone that a tenant's layers give, and what stands
// in them in a turn.
func TestPrompt_ofATurn(t *testing.T) {
	const host = `
defaults:
  llm: {provider: echo}
  prompts:
    system: "{{company}} {{turn.date}} {{turn.tenant}}"
    named: {short: "Short, {{company}}.", long: Long., gone: Gone.}
    variables: {company: Inc}
    metadata: {locale: en}
    timezone: Europe/Berlin`
	const doc = `prompts: {variables: {company: "{{turn.user}}"}, named: {short: "{{metadata.plan}} {{metadata.locale}} {{company}}", gone: null}, metadata: {plan: free}}`
	e := tenant(t, loadHost(t, host), doc)
	at := prompt.Turn{Tenant: "client-a", User: "ann", Time: time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)}
	for name, want := range map[string]string{
		"": "{{turn.user}} 2027-01-01 client-a", "short": "free de {{turn.user}}", "long": "Long.",
	} {
		c, err := e.Prompts.Choose(prompt.Request{Name: name, Turn: at, Metadata: []byte(`{"locale": "de"}`)})
		if err != nil || c.Text() != want {
			t.Errorf("%q: %v, %v; want %s", name, c, err, want)
		}
	}
	if _, err := e.Prompts.Choose(prompt.Request{Name: "gone"}); err == nil {
		t.Error("a prompt that a null removed is there")
	}
	found := map[string]string{}
	for _, entry := range e.Explain() {
		found[entry.Path.String()] = entry.Layer
	}
	for path, layer := range map[string]string{"prompts.timezone": "host file", "prompts.named.short": "tenant", "prompts.named.long": "host file", "prompts.metadata.plan": "tenant"} {
		if found[path] != layer {
			t.Errorf("%s is of %q; want %s", path, found[path], layer)
		}
	}
}

// TestPrompt_revision checks that the revision depends on each key of prompts, and that it is that of
// earlier versions where only prompts.system is used.
func TestPrompt_revision(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: echo}, prompts: {system: "Hi {{turn.user}}", metadata: {a: x}, named: {n: one}, timezone: Asia/Tokyo}}`)
	seen := map[string]string{}
	for _, doc := range []string{
		`{}`, `prompts: {system: "Hi {{{{turn.user}}"}`, `prompts: {metadata: {a: y}}`, `prompts: {metadata: null}`, `prompts: {named: {n: two}}`,
		`prompts: {named: {m: one}}`, `prompts: {timezone: Europe/Berlin}`, `prompts: {timezone: null}`, `prompts: null`,
	} {
		r := tenant(t, h, doc).Revision
		if other, known := seen[r]; known {
			t.Errorf("%s and %s have the same revision", doc, other)
		}
		seen[r] = doc
	}
	if tenant(t, h, `prompts: {timezone: UTC}`).Revision != tenant(t, h, `prompts: {timezone: null}`).Revision {
		t.Error("UTC is the default, and makes another revision")
	}
	// Hosts that know only constant variables compute this revision.
	old := loadHost(t, `defaults: {llm: {provider: echo}, prompts: {system: "You speak for {{company}}.", variables: {company: ACME}}}`)
	if got := tenant(t, old, `{}`).Revision; got != revisionOfBefore {
		t.Errorf("the revision of a tenant with a plain system prompt is %s; want %s, as before", got, revisionOfBefore)
	}
}

// TestPrompt_tenantsOwn checks that a tenant may set its prompts itself, and that a policy restricts it.
func TestPrompt_tenantsOwn(t *testing.T) {
	const own = `prompts: {named: {n: "{{metadata.a}}"}, metadata: {a: ""}, timezone: Asia/Tokyo}`
	if _, err := ownOf(t, `{defaults: {llm: {provider: ollama, model: m}}}`, `{}`, own); err != nil {
		t.Error(err)
	}
	_, err := ownOf(t, `{defaults: {llm: {provider: ollama, model: m}}, tenant_policy: {keys: [prompts.variables.*]}}`, `{}`, own)
	for _, want := range []string{"prompts.named.n: may not be set", "prompts.metadata.a: may not be set", "prompts.timezone: may not be set"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// TestPrompt_bounds checks the bounds of each prompt and of all together.
func TestPrompt_bounds(t *testing.T) {
	named := func(n, size int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "n%d: '%s', ", i, strings.Repeat("x", size))
		}
		return b.String()
	}
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d: '', ", i)
		}
		return b.String()
	}
	uses := strings.Repeat("{{a}}", 1000)
	for name, c := range map[string]struct{ doc, want string }{
		"as many prompts as may be": {"named: {" + named(64, 1) + "}", ""},
		// beyond: named prompts
		"too many prompts":       {"named: {" + named(65, 1) + "}", "prompts.named: has 65 prompts; expected at most 64"},
		"as many keys as may be": {"metadata: {" + keys(16) + "}", ""},
		// beyond: metadata in prompts
		"too many keys":  {"metadata: {" + keys(17) + "}", "prompts.metadata: has 17 keys; expected at most 16"},
		"a long default": {"metadata: {a: '" + strings.Repeat("x", 1025) + "'}", "prompts.metadata.a: has 1025 bytes; expected at most 1024"},
		"metadata that could grow the prompt": {"metadata: {a: ''}, named: {n: '" + strings.Repeat("{{metadata.a}}", 1025) + "'}",
			"prompts.named.n: has 1049600 bytes with the longest values of its variables; expected at most 1048576"},
		"as large together as may be": {"variables: {a: '" + strings.Repeat("x", 1000) + "'}, system: '" + uses + "', named: {n: '" + uses + "'}", ""},
		// beyond: all prompts
		"too large together": {"variables: {a: '" + strings.Repeat("x", 1000) + "'}, system: '" + uses + "', named: {n: '" + uses + "', m: '" + uses + "'}",
			"prompts: has prompts of 3000000 bytes together, with their variables; expected at most 2097152"},
	} {
		t.Run(name, func(t *testing.T) {
			h := loadHost(t, `defaults: {llm: {provider: echo}}`)
			_, err := h.Tenant(t.Context(), "acme", Documents{Operator: yamlDoc(t, "prompts: {"+c.doc+"}")}, testSchemas(t))
			if c.want == "" {
				if err != nil {
					t.Errorf("%.300v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.300v; want %s", err, c.want)
			}
		})
	}
}
