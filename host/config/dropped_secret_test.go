package config

import (
	"strings"
	"testing"
)

func TestDroppedSecret(t *testing.T) {
	h := loadHost(t, `
defaults:
  llm: {provider: openai, model: m, base_url: "https://a", api_key: sk-operator-key, headers: {h: secret-header}, keys: [{name: k, value: v}]}
  conversation_storage: {backend: postgres, connection: {host: db, port: 5432, database: d, password: pw}}
`)
	for name, c := range map[string]struct{ doc, llm, storage string }{
		"the same endpoint keeps the secrets": {
			`llm: {base_url: "https://a", model: n}`,
			`{"api_key":"sk-operator-key","base_url":"https://a","headers":{"h":"secret-header"},"keys":[{"name":"k","value":"v"}],"model":"n"}`,
			`{"connection":{"database":"d","host":"db","password":"pw","port":5432}}`,
		},
		"another endpoint with its own secret loses all others": {
			`llm: {base_url: "https://b", api_key: sk-tenant-key, headers: {own: mine}}`,
			`{"api_key":"sk-tenant-key","base_url":"https://b","headers":{"own":"mine"},"model":"m"}`,
			`{"connection":{"database":"d","host":"db","password":"pw","port":5432}}`,
		},
		"a nested endpoint is one of its whole block": {
			`conversation_storage: {connection: {port: 5433}}`,
			`{"api_key":"sk-operator-key","base_url":"https://a","headers":{"h":"secret-header"},"keys":[{"name":"k","value":"v"}],"model":"m"}`,
			`{"connection":{"database":"d","host":"db","port":5433}}`,
		},
		"so is one that is removed": {
			`conversation_storage: {connection: {port: ~}}`,
			`{"api_key":"sk-operator-key","base_url":"https://a","headers":{"h":"secret-header"},"keys":[{"name":"k","value":"v"}],"model":"m"}`,
			`{"connection":{"database":"d","host":"db"}}`,
		},
		"another plugin keeps nothing": {
			`{llm: {provider: echo}, conversation_storage: {backend: memory}}`, `{}`, `{}`,
		},
		"the same plugin keeps all": {
			`{llm: {provider: openai}, conversation_storage: {backend: postgres}}`,
			`{"api_key":"sk-operator-key","base_url":"https://a","headers":{"h":"secret-header"},"keys":[{"name":"k","value":"v"}],"model":"m"}`,
			`{"connection":{"database":"d","host":"db","password":"pw","port":5432}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := tenant(t, h, c.doc)
			if got, err := h.Resolve(e, e.LLM); err != nil || string(got) != c.llm {
				t.Errorf("llm gets %s, %v\nwant %s", got, err, c.llm)
			}
			if got, err := h.Resolve(e, e.Storage); err != nil || string(got) != c.storage {
				t.Errorf("storage gets %s, %v\nwant %s", got, err, c.storage)
			}
		})
	}
}

// TestDroppedSecret_byTheEnvironment checks that the text of an environment variable is converted
// to the type of its key before dropSecrets compares it with the values of lower layers.
func TestDroppedSecret_byTheEnvironment(t *testing.T) {
	const host = `defaults: {conversation_storage: {backend: postgres, connection: {host: db, port: 5432, database: d, password: pw}}, llm: {provider: echo}}`
	for value, want := range map[string]string{
		"5432": `{"connection":{"database":"d","host":"db","password":"pw","port":5432}}`,
		"5433": `{"connection":{"database":"d","host":"db","port":5433}}`,
	} {
		t.Run(value, func(t *testing.T) {
			h := loadHost(t, host, "BOTYARD__DEFAULTS__CONVERSATION_STORAGE__CONNECTION__PORT="+value)
			e := tenant(t, h, `{}`)
			if got, err := h.Resolve(e, e.Storage); err != nil || string(got) != want {
				t.Errorf("%s: %s, %v", value, got, err)
			}
		})
	}
}

func TestDroppedSecret_isExplained(t *testing.T) {
	h, err := LoadHost(LoadOptions{Document: yamlDoc(t, `{defaults: {llm: {provider: echo},
		conversation_storage: {backend: postgres, connection: {host: a, database: d, password: hunter22}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		`{}`: "",
		`{conversation_storage: {connection: {host: b}}}`:                 "the tenant changed `conversation_storage.connection.host`, and has to bring a secret of its own",
		`{conversation_storage: {connection: {host: b, password: mine}}}`: "",
	} {
		t.Run(src, func(t *testing.T) {
			e, err := h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, src)}, testSchemas(t))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, entry := range e.Explain() {
				if got += entry.Dropped; entry.Dropped != "" && (entry.Path.String() != "conversation_storage.connection.password" || entry.Value != nil || entry.Layer != "tenant") {
					t.Errorf("%s: %+v", src, entry)
				}
			}
			if got != want {
				t.Errorf("%s: dropped: %q; want %q", src, got, want)
			}
		})
	}
}

// TestDroppedSecret_ofTheOperator checks that a tenant's document cannot make the host send the
// operator's API key to another endpoint, or show it.
func TestDroppedSecret_ofTheOperator(t *testing.T) {
	h, _ := secretsHost(t)
	for name, llm := range map[string]map[string]any{
		"another endpoint":            {"base_url": "https://evil"},
		"no endpoint":                 {"base_url": nil},
		"an endpoint of another type": {"base_url": []any{"https://evil"}},
		"with the operator's text":    {"base_url": "https://evil", "api_key": "${env:OPERATOR_KEY}"},
		"with the placeholder":        {"base_url": "https://evil", "api_key": "<secret>"},
		"the selector again":          {"provider": "openai", "base_url": "https://evil"},
		"the selector removed":        {"provider": nil, "base_url": "https://evil"},
		"a part of the key":           {"base_url": "https://evil", "api_key": "x${env:OPERATOR_KEY}"},
		"in a key that is no secret":  {"base_url": "https://evil", "api_key": "sk-mine-1234", "user": "${env:OPERATOR_KEY}"},
		"in a prompt":                 {"user": "${env:OPERATOR_KEY}"},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: FromMap("tenant", map[string]any{"llm": llm})}, testSchemas(t))
			if err == nil {
				got, _ := h.Resolve(e, e.LLM)
				t.Errorf("%s is accepted: %s", name, got)
			} else if strings.Contains(err.Error(), "sk-") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
