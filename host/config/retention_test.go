package config

import (
	"strings"
	"testing"
)

func TestRetention(t *testing.T) {
	schemas := testSchemas(t)
	schemas["storage"]["lite"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {"file": {"type": "string"}}}`)
	load := func(host, doc string, environ ...string) (*Host, *Effective, error) {
		h := loadHost(t, host, environ...)
		e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, doc)}, schemas)
		return h, e, err
	}
	const lite = `{defaults: {llm: {provider: ollama, model: m}, conversation_storage: {backend: lite, file: f}}}`
	const kept = `{defaults: {llm: {provider: ollama, model: m}, conversation_storage: {backend: lite, file: f, retention_days: 30}}}`
	for _, try := range []struct {
		name, host, doc string
		environ         []string
		want            int
		may             bool
	}{
		{name: "none", host: lite, doc: `{}`},
		{name: "the tenant's", host: lite, doc: `{conversation_storage: {retention_days: 7}}`, want: 7, may: true},
		{name: "inherited", host: kept, doc: `{}`, want: 30, may: true},
		{name: "shorter than inherited", host: kept, doc: `{conversation_storage: {retention_days: 7}}`, want: 7, may: true},
		{name: "removed", host: kept, doc: `{conversation_storage: {retention_days: null}}`, may: true},
		{name: "of another backend", host: kept, doc: `{conversation_storage: {backend: memory}}`, want: 30, may: true},
		{name: "a variable", host: lite, doc: `{}`, environ: []string{"BOTYARD__DEFAULTS__CONVERSATION_STORAGE__RETENTION_DAYS=90"}, want: 90, may: true},
	} {
		t.Run(try.name, func(t *testing.T) {
			h, e, err := load(try.host, try.doc, try.environ...)
			if err != nil {
				t.Errorf("%s: %v", try.name, err)
				return
			}
			if e.RetentionDays != try.want || h.MayRetain(Documents{Operator: yamlDoc(t, try.doc)}) != try.may {
				t.Errorf("%s: %d days, may be %v; want %d, %v", try.name, e.RetentionDays, !try.may, try.want, try.may)
			}
			if got, err := h.Resolve(e, e.Storage); err != nil || strings.Contains(string(got), retentionKey) {
				t.Errorf("%s: the plugin is told: %s, %v", try.name, got, err)
			}
		})
	}

	h, plain, _ := load(lite, `{}`)
	with, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, `{conversation_storage: {retention_days: 7}}`)}, schemas)
	if err != nil {
		t.Fatal(err)
	}
	if h.SealBlock("client-a", with.Storage).Digest != h.SealBlock("client-a", plain.Storage).Digest {
		t.Error("retention makes another instance")
	}
	if with.Revision == plain.Revision {
		t.Error("retention is not in the revision")
	}
	found := false
	for _, entry := range with.Explain() {
		found = found || entry.Path.String() == "conversation_storage.retention_days" && entry.Value == int64(7) && !entry.Secret
	}
	if !found {
		t.Errorf("not explained: %v", with.Explain())
	}

	for _, bad := range []struct{ doc, want string }{
		{`{conversation_storage: {retention_days: 0}}`, "conversation_storage.retention_days"},
		{`{conversation_storage: {retention_days: "7"}}`, "conversation_storage.retention_days"},
		{`{conversation_storage: {retention_day: 7}}`, `did you mean "retention_days"?`},
		{`{memory: {retention_days: 7}}`, "memory.retention_days: unknown key"},
	} {
		t.Run(bad.doc, func(t *testing.T) {
			if _, _, err := load(lite, bad.doc); err == nil || !strings.Contains(err.Error(), bad.want) {
				t.Errorf("%s: %v; want %q", bad.doc, err, bad.want)
			}
		})
	}
	registry := loadHost(t, `{registry: {storage: {backend: lite, retention_days: 7}}}`)
	if _, err := registry.RegistryStorage(t.Context(), schemas); err == nil || !strings.Contains(err.Error(), "registry.storage.retention_days: unknown key") {
		t.Errorf("the registry's storage: %v", err)
	}
}
