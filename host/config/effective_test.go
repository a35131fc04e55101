package config

import (
	"runtime"

	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func yamlDoc(t testing.TB, src string) *Document {
	t.Helper()
	doc, err := ParseYAML("tenant.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func loadHost(t testing.TB, src string, environ ...string) *Host {
	t.Helper()
	doc, err := ParseYAML("host.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	h, err := LoadHost(LoadOptions{Document: doc, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func tenant(t testing.TB, h *Host, src string) *Effective {
	t.Helper()
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, src)}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestHost_Tenant_referenceDocument checks that the tenant files of the multi-tenant sample in the
// docs give the documented effective configurations.
func TestHost_Tenant_referenceDocument(t *testing.T) {
	h := loadHost(t, `
registry: {cache_ttl: 300, max_cache_size: 1000}
defaults:
  llm: {provider: ollama, model: "gemma3:1b"}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
    max_overflow: 10
`)
	if err := h.CheckDefaults(t.Context(), testSchemas(t), nil); err != nil {
		t.Error(err)
	}
	e := tenant(t, h, `
memory: {type: buffer, max_messages: 10}
prompts: {system: You are a customer support assistant.}
knowledge_base: {enabled: false}
`)
	if e.Tenant != "client-a" || e.Prompts.System.String() != "You are a customer support assistant." || e.Limits != h.Settings.Limits {
		t.Errorf("%+v", e)
	}
	if e.LLM.Kind != "llm" || e.LLM.Plugin != "ollama" || e.Memory.Plugin != "buffer" || e.Storage.Kind != "storage" || e.Storage.Plugin != "postgres" {
		t.Errorf("%+v", e)
	}
	got, err := h.Resolve(e, e.Storage)
	const want = `{"connection":{"database":"bots_db","host":"localhost","password":"password","port":5432,"user":"postgres"},"max_overflow":10,"pool_size":20}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := h.Resolve(e, e.Memory); err != nil || string(got) != `{"max_messages":10}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestEffective_showsNoSecrets(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: sk-operator-key}}`)
	doc := yamlDoc(t, `llm: {api_key: sk-tenant-key, headers: {h: header-secret}, keys: [{value: list-secret}]}`)
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %v %+v %v", *e, *e, *e, j, doc, doc, e.Explain())
	for _, s := range []string{"operator-key", "tenant-key", "header-secret", "list-secret"} {
		if strings.Contains(all, s) {
			t.Errorf("%q is shown in %s", s, all)
		}
	}
}

// TestEffective_size checks how many bytes of memory an Effective needs. The registry keeps one
// for every tenant, and most tenants inherit most of their configuration.
func TestEffective_size(t *testing.T) {
	const n = 2000
	h := loadHost(t, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b", base_url: "http://localhost:11434", temperature: 0.5}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
    max_overflow: 10
`)
	schemas := testSchemas(t)
	docs := make([]*Document, n)
	for i := range docs {
		docs[i] = yamlDoc(t, fmt.Sprintf(`
memory: {type: buffer, max_messages: %d}
prompts: {system: You are a customer support assistant.}
`, i+1))
	}
	kept := make([]*Effective, n)
	before := heap()
	for i := range kept {
		e, err := h.Tenant(t.Context(), fmt.Sprint("tenant-", i), Documents{Operator: docs[i]}, schemas)
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = e
	}
	size := (int64(heap()) - int64(before)) / n
	t.Logf("an effective configuration takes %d bytes", size)
	if size > 1000 {
		t.Error("that is too much")
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(docs)
}
