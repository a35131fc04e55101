package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTenantRefuses(t *testing.T) {
	const folder = "testdata/tenant/bad"
	tb := openTable(t, folder+"/want.txt")
	schemas := testSchemas(t)
	for _, name := range cases(t, folder) {
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
			continue
		}
		doc, err := ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
		if err == nil {
			t.Errorf("%s: no problem, got %+v", name, e.Explain())
			continue
		}
		got := message(t, err)
		for _, secret := range []string{"hunter2", "sk-operator-key", "sk-client", "12345", "root:"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s: the message contains the secret %q:\n%s", name, secret, got)
			}
		}
		tb.check(t, name, got)
	}
}
