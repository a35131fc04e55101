package config

import (
	"fmt"
	"strings"
	"testing"
)

// selectorHost is a host file whose defaults have all keys of a model, a memory and a storage.
const selectorHost = `
defaults:
  llm: {provider: ollama, model: "gemma3:1b", base_url: "http://127.0.0.1:11434", temperature: 0.5, num_ctx: 4096, stop: [END], keep_alive: 5m, options: {top_k: 40}}
  memory: {type: buffer, max_messages: 20}
  conversation_storage:
    backend: postgres
    connection: {host: db, port: 5432, database: bots_db, user: bots, password: operators-word}
    pool_size: 20
    max_overflow: 10
    retention_days: 30
`

// TestSelectors_ofATenant checks that a tenant that names another model, and nothing else, gets that
// model with its own keys alone, in HCL and in YAML, and that explain says why each other key is gone.
func TestSelectors_ofATenant(t *testing.T) {
	for name, text := range map[string]string{
		"tenant.hcl":  "llm {\n  provider = \"openai\"\n  model    = \"gpt-4\"\n  api_key  = \"tenants-own-key\"\n}\n",
		"tenant.yaml": "llm:\n  provider: openai\n  model: gpt-4\n  api_key: tenants-own-key\n",
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := Parse(name, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			h := loadHost(t, selectorHost)
			e, err := h.Tenant(t.Context(), "client-b", Documents{Operator: doc}, testSchemas(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				block Block
				want  string
			}{
				{e.LLM, `openai {"api_key":"tenants-own-key","model":"gpt-4"}`},
				{e.Memory, `buffer {"max_messages":20}`},
				{e.Storage, `postgres {"connection":{"database":"bots_db","host":"db","password":"operators-word","port":5432,"user":"bots"},"max_overflow":10,"pool_size":20}`},
			} {
				resolved, err := h.Resolve(e, c.block)
				if got := c.block.Plugin + " " + string(resolved); err != nil || got != c.want {
					t.Errorf("%s, %v; want %s", got, err, c.want)
				}
			}
			gone := map[string]bool{"base_url": true, "temperature": true, "num_ctx": true, "stop": true, "keep_alive": true, "options": true}
			for _, entry := range e.Explain() {
				block, key := entry.Path[0], entry.Path[len(entry.Path)-1]
				if block != "llm" || !gone[key] {
					if entry.Dropped != "" {
						t.Errorf("%s is dropped: %s", entry.Path, entry.Dropped)
					}
					continue
				}
				delete(gone, key)
				const why = "it is a key of \"ollama\", and the tenant set `llm.provider` to \"openai\""
				if entry.Dropped != why || entry.Value != nil || entry.Layer != "tenant" || !strings.HasPrefix(entry.Pos.String(), name+":2:3") {
					t.Errorf("%s = %v: %q, from %s at %s", entry.Path, entry.Value, entry.Dropped, entry.Layer, entry.Pos)
				}
			}
			if len(gone) > 0 {
				t.Errorf("explain does not say what became of %v", gone)
			}
		})
	}
}

// TestSelectors_dropped checks which keys Explain shows as dropped if several layers select a plugin.
func TestSelectors_dropped(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":      {`{}`, ``},
		"the same one": {`llm: {provider: ollama, model: m}`, ``},
		"a storage": {`conversation_storage: {backend: memory}`,
			"conversation_storage.connection: it is a key of \"postgres\", and the tenant set `conversation_storage.backend` to \"memory\"|" +
				"conversation_storage.max_overflow: it is|conversation_storage.pool_size: it is|"},
		"a key that the new one has too": {`llm: {provider: openai, model: m, api_key: tenants-own-key, base_url: "https://x.test"}`,
			"llm.keep_alive: it is|llm.num_ctx: it is|llm.options: it is|llm.stop: it is|llm.temperature: it is|"},
		"a memory": {`memory: {type: vector, top_k: 3}`, "memory.max_messages: it is a key of \"buffer\"|"},
		"a plan's": {`{plan: other, llm: {model: m, api_key: tenants-own-key, timeout: 3}}`,
			"llm.base_url: it is a key of \"ollama\", and the plan set|llm.keep_alive: it is|llm.num_ctx: it is|llm.options: it is|llm.stop: it is|llm.temperature: it is|"},
		"back again": {`{plan: other, llm: {provider: ollama, model: m}}`,
			"llm.base_url: it is|llm.keep_alive: it is|llm.num_ctx: it is|llm.options: it is|llm.stop: it is|llm.temperature: it is|llm.user: it is a key of \"openai\", and the tenant set|"},
	} {
		t.Run(name, func(t *testing.T) {
			e := tenant(t, loadHost(t, selectorHost+"plan: {other: {llm: {provider: openai, user: u}}}\n"), c.doc)
			want := strings.Split(c.want, "|")
			n := 0
			for _, entry := range e.Explain() {
				if entry.Dropped == "" {
					continue
				}
				if got := fmt.Sprintf("%s: %s", entry.Path, entry.Dropped); n >= len(want)-1 || !strings.HasPrefix(got, want[n]) {
					t.Errorf("%s; want %q at place %d", got, want, n)
				}
				n++
			}
			if n != len(want)-1 {
				t.Errorf("%d keys are dropped; want %q", n, want)
			}
			for _, entry := range e.Explain() {
				if strings.Contains(fmt.Sprint(entry), "operators-word") {
					t.Errorf("%v shows a secret", entry)
				}
			}
		})
	}
}
