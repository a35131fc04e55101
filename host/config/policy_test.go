package config

import (
	"fmt"
	"strings"
	"testing"
)

// policySchemas returns plugin schemas with keys that are marked for tenants and keys that are
// not.
func policySchemas(t testing.TB) fakeSchemas {
	s := testSchemas(t)
	s["llm"]["marked"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"free": {"type": "string", "x-botyard-tenant": true},
		"unmarked": {"type": "string"},
		"fixed": {"type": "string", "x-botyard-operator": true},
		"base_url": {"type": "string", "x-botyard-endpoint": true, "x-botyard-tenant": true},
		"api_key": {"type": "string", "x-botyard-secret": true},
		"own_key": {"type": "string", "x-botyard-secret": true, "x-botyard-tenant": true},
		"top": {"type": "integer", "x-botyard-lower": true, "default": 20},
		"most": {"type": "integer", "x-botyard-lower": true, "x-botyard-zero-unlimited": true},
		"stop": {"type": "array", "items": {"type": "string"}, "x-botyard-tenant": true},
		"peers": {"type": "array", "x-botyard-tenant": true, "items": {"type": "object", "properties": {"name": {"type": "string"}, "rank": {"type": "integer", "x-botyard-operator": true}}}},
		"either": {"x-botyard-tenant": true, "anyOf": [{"type": "string"}, {"type": "object", "properties": {"deep": {"type": "string", "x-botyard-operator": true}}}]},
		"options": {"type": "object", "x-botyard-operator": true, "properties": {"temperature": {"x-botyard-tenant": true}}}
	}}`)
	s["llm"]["other"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"free": {"type": "string", "x-botyard-tenant": true},
		"top": {"type": "integer", "x-botyard-lower": true, "default": 20}
	}}`)
	s["storage"]["memory"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"max_bytes": {"type": "integer", "x-botyard-lower": true, "default": 1000}}}`)
	return s
}

const policyHost = `{
limits: {turn_timeout: 100},
defaults: {llm: {provider: marked, fixed: x, api_key: sk-of-the-operator, top: 30, most: 5, options: {num_ctx: 4096}, either: {deep: x}},
  prompts: {system: "Be {{tone}}.", variables: {tone: kind}}, limits: {turns_per_minute: 60, reply_tokens: 100}, conversation_storage: {max_bytes: 500}},
plan: {gold: {limits: {turn_timeout: 50}, tenant_policy: {keys: ["prompts.variables.*", llm.unmarked]}}}
}`

// ownOf merges a tenant's own settings, in YAML, on top of the operator's settings and the host
// file.
func ownOf(t *testing.T, host, operator, own string) (*Effective, error) {
	t.Helper()
	doc, err := ParseYAML("own", []byte(own))
	if err != nil {
		t.Fatal(err)
	}
	return loadHost(t, host).Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, operator), Own: doc}, policySchemas(t))
}

// TestPolicy_opens checks that a tenant may set the keys that the policy lists, and that the
// operator's secret is dropped if the tenant sets another endpoint.
func TestPolicy_opens(t *testing.T) {
	const host = `{tenant_policy: {keys: ["*", llm.base_url, llm.api_key, llm.unmarked, llm.options], plugins: {llm: [other, ollama]}},
defaults: {llm: {provider: marked, api_key: sk-of-the-operator, top: 30}}}`
	for own, want := range map[string]string{
		`{llm: {base_url: "http://elsewhere"}}`:                       "map[base_url:http://elsewhere top:30]", // the operator's secret is dropped
		`{llm: {base_url: "http://elsewhere", api_key: sk-12345678}}`: "map[api_key:<secret> base_url:http://elsewhere top:30]",
		`{llm: {unmarked: u, options: {num_ctx: 5}}}`:                 "map[api_key:<secret> options:map[num_ctx:5] top:30 unmarked:u]",
		`{llm: {provider: other, top: 20}}`:                           "map[top:20]",
		`{llm: {provider: other}}`:                                    "map[]",
	} {
		t.Run(own, func(t *testing.T) {
			e, err := ownOf(t, host, `{}`, own)
			if err != nil {
				t.Errorf("%s: %v", own, err)
			} else if got := fmt.Sprint(e.LLM.Config); got != want {
				t.Errorf("%s gives %s, not %s", own, got, want)
			}
		})
	}
	// The bound of the operator's plugin does not apply to the plugin that the tenant selects.
	// The bound is the default of the selected plugin.
	if _, err := ownOf(t, host, `{}`, `{llm: {provider: other, top: 25}}`); err == nil || !strings.Contains(err.Error(), "above the operator's 20 (the default)") {
		t.Errorf("%v", err)
	}
	// If the policy does not list a plugin, the host refuses the selection before it reads the
	// plugin's schema, because reading the schema would start the plugin.
	if _, err := ownOf(t, `{defaults: {llm: {provider: marked}}}`, `{}`, `{llm: {provider: nothing}}`); err == nil || strings.Contains(err.Error(), "is named") {
		t.Errorf("%v", err)
	}
}

// TestPolicy_keysOfTheHost checks that the operator's bound on retention_days, a key that the
// host reads itself, still applies if the tenant selects another storage plugin.
func TestPolicy_keysOfTheHost(t *testing.T) {
	const host = `{tenant_policy: {plugins: {storage: [memory]}},
defaults: {llm: {provider: marked}, conversation_storage: {backend: postgres, connection: {host: db, database: d}, retention_days: 7}}}`
	for _, own := range []string{
		`{conversation_storage: {backend: memory, retention_days: 8}}`,
		`{conversation_storage: {retention_days: ~, backend: memory}}`,
	} {
		t.Run(own, func(t *testing.T) {
			if _, err := ownOf(t, host, `{}`, own); err == nil || !strings.Contains(err.Error(), "and may be lowered only") {
				t.Errorf("%s: %v", own, err)
			}
		})
	}
	if _, err := ownOf(t, host, `{}`, `{conversation_storage: {backend: memory, retention_days: 6}}`); err != nil {
		t.Error(err)
	}
}

// TestPolicy_operatorIsFree checks that the policy restricts the tenant's own document and not
// the operator's document.
func TestPolicy_operatorIsFree(t *testing.T) {
	h := loadHost(t, `{tenant_policy: {keys: []}, defaults: {llm: {provider: marked}}}`)
	if _, err := h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, `{llm: {fixed: y, unmarked: y, base_url: "http://x"}, conversations: {owner: tenant}}`)}, policySchemas(t)); err != nil {
		t.Error(err)
	}
}

func TestPolicy_refuses(t *testing.T) {
	_, err := loadFiles(t, `tenant_policy {
  keys = ["*", "promts.*", "prompts.sytem", "llm.provider", "plan", "llm.*.x", "", "llm.any", "limits.turn_timeout", 5]
  plugins {
    llms = []
  }
}
plan "gold" {
  tenant_policy {
    keys = ["limit.*"]
  }
}`, `{}`)
	const want = `botyard.hcl:2:16: tenant_policy.keys.1: lists "promts.*", and there is no such key; did you mean "prompts"?
botyard.hcl:2:28: tenant_policy.keys.2: lists "prompts.sytem", and there is no such key; did you mean "system"?
botyard.hcl:2:45: tenant_policy.keys.3: lists ` + "`llm.provider`" + `, which selects a plugin; expected the plugin below tenant_policy.plugins.llm
botyard.hcl:2:61: tenant_policy.keys.4: lists ` + "`plan`" + `, which the operator alone names
botyard.hcl:2:69: tenant_policy.keys.5: is "llm.*.x", which is no key; expected a key such as "llm.model", "llm.*" or "*"
botyard.hcl:2:80: tenant_policy.keys.6: is "", which is no key; expected a key such as "llm.model", "llm.*" or "*"
botyard.hcl:2:80: tenant_policy.keys.6: is empty; expected a text
botyard.hcl:2:118: tenant_policy.keys.9: is an integer; expected a text, in quotes
botyard.hcl:4:5: tenant_policy.plugins.llms: unknown key; did you mean "llm"?
botyard.hcl:9:13: plan.gold.tenant_policy.keys.0: lists "limit.*", and there is no such key; did you mean "limits"?`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s", got)
	}
}
