package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/secret"
)

func TestRevision(t *testing.T) {
	sealer, err := secret.LoadOrCreateKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	schemas := testSchemas(t)
	revision := func(sealer *secret.Key, host, name, src string) string {
		t.Helper()
		doc, err := ParseYAML(name, []byte(src))
		if strings.HasSuffix(name, ".hcl") {
			doc, err = ParseHCL(name, []byte(src))
		}
		if err != nil {
			t.Fatal(err)
		}
		h, err := LoadHost(LoadOptions{Document: yamlDoc(t, host), Sealer: sealer, Environ: []string{"K=sk-operator-key"}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
		if err != nil {
			t.Fatal(err)
		}
		return e.Revision
	}
	const host = `{allow_env: [K], defaults: {llm: {provider: openai, model: m, api_key: "${env:K}"}}}`
	const src = `{memory: {type: buffer, max_messages: 10}, llm: {headers: {h: secret-header}, timeout: 3}}`
	base := revision(sealer, host, "a.yaml", src)
	if len(base) != 32 {
		t.Errorf("revision is %q", base)
	}
	for name, same := range map[string]string{
		"another file and format": revision(sealer, host, "b.hcl", "llm {\n timeout = 3.0\n headers = { h = \"secret-header\" }\n}\nmemory {\n max_messages = 10\n}"),
		"host-only settings":      revision(sealer, `{listen: "a:1", registry: {cache_ttl: 1}, allow_env: [K, L], defaults: {llm: {provider: openai, model: m, api_key: "${env:K}"}}}`, "a.yaml", src),
		"another layer sets it":   revision(sealer, `{allow_env: [K], defaults: {llm: {provider: openai, model: m, api_key: "${env:K}", timeout: 3}}}`, "a.yaml", `llm: {headers: {h: secret-header}}`+"\nmemory: {max_messages: 10}"),
	} {
		t.Run(name, func(t *testing.T) {
			if same != base {
				t.Errorf("%s changes the revision", name)
			}
		})
	}
	for name, other := range map[string]string{
		"a value":                    revision(sealer, host, "a.yaml", strings.Replace(src, "10", "11", 1)),
		"a literal secret":           revision(sealer, host, "a.yaml", strings.Replace(src, "secret-header", "other", 1)),
		"a limit":                    revision(sealer, `{limits: {concurrent_turns: 2}, `+host[1:], "a.yaml", src),
		"a prompt":                   revision(sealer, host, "a.yaml", src[:len(src)-1]+`, prompts: {system: x}}`),
		"the reach of a reference":   revision(sealer, host, "a.yaml", strings.Replace(src, "{headers", `{api_key: "${env:K}", headers`, 1)),
		"another key of the sealer":  revision(secret.NewKey(), host, "a.yaml", src),
		"the process without sealer": revision(nil, host, "a.yaml", src),
	} {
		t.Run(name, func(t *testing.T) {
			if other == base {
				t.Errorf("%s does not change the revision", name)
			}
		})
	}
}

// TestRevision_staysTheSame compares revisions with those of an older version of the host. A
// changed revision would make every host rebuild all bots after an update, and store a new
// version of each registered tenant.
func TestRevision_staysTheSame(t *testing.T) {
	h, err := LoadHost(LoadOptions{Document: yamlDoc(t, `{defaults: {llm: {provider: echo}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	doc := yamlDoc(t, `{prompts: {system: x}, limits: {turn_timeout: 1.5}}`)
	e, err := h.Tenant(t.Context(), "a", Documents{Operator: doc}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	if e.Revision != "c0843e5858748e88c88be399e7c0c5f2" {
		t.Errorf("revision %s", e.Revision)
	}
}
