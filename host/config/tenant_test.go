package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestHost_Tenant_refuses(t *testing.T) {
	const folder = "testdata/tenant/bad"
	tb := openTable(t, folder+"/want.txt")
	schemas := testSchemas(t)
	for _, name := range cases(t, folder) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, name)
			stem := strings.TrimSuffix(path, filepath.Ext(name))
			file := optional(stem + ".host.yaml")
			if file == "" {
				file = "testdata/tenant/host.hcl"
			}
			h, err := LoadHost(LoadOptions{
				File:    file,
				Overlay: optional(stem + ".overlay.yaml"),
				Environ: append(settings(t, path, "env"), "OPENAI_API_KEY=sk-operator-key"),
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			doc, err := ReadFile(path)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
			if err == nil {
				t.Errorf("%s: no problem, got %+v", name, e.Explain())
				return
			}
			got := message(t, err)
			for _, secret := range []string{"hunter2", "sk-operator-key", "sk-client", "12345", "root:"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s: the message contains the secret %q:\n%s", name, secret, got)
				}
			}
			tb.check(t, name, got)
		})
	}
}

func BenchmarkHost_Tenant(b *testing.B) {
	h := loadHost(b, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b", base_url: "http://localhost:11434", temperature: 0.5}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
`)
	doc := yamlDoc(b, `{memory: {type: buffer, max_messages: 3}, prompts: {system: You are a customer support assistant.}}`)
	schemas := testSchemas(b)
	for b.Loop() {
		if _, err := h.Tenant(b.Context(), "client-a", Documents{Operator: doc}, schemas); err != nil {
			b.Fatal(err)
		}
	}
}
