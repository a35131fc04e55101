package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	sdkschema "github.com/botyard/botyard/sdk/schema"
)

// policySchemas have plugins with marked and unmarked keys.
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

// ownOf checks a tenant's own document, in YAML.
func ownOf(t *testing.T, host, operator, own string) (*Effective, error) {
	t.Helper()
	doc, err := ParseYAML("own", []byte(own))
	if err != nil {
		t.Fatal(err)
	}
	return loadHost(t, host).Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, operator), Own: doc}, policySchemas(t))
}

func TestTenantsOwnSettingsAreAllowed(t *testing.T) {
	for _, try := range []struct{ operator, own, key, want string }{
		{`{}`, `{prompts: {system: "Be brief."}}`, "prompts.system", "Be brief."},
		{`{}`, `{prompts: {variables: {tone: stern}}}`, "prompts.variables.tone", "stern"},
		{`{}`, `{prompts: ~}`, "prompts.system", "none"},
		{`{}`, `{llm: {free: y}}`, "llm.free", "y"},
		{`{}`, `{llm: {provider: marked, free: y}}`, "llm.free", "y"},
		{`{}`, `{llm: {own_key: sk-of-the-tenant}}`, "llm.own_key", "<secret>"},
		{`{}`, `{llm: {top: 30}}`, "llm.top", "30"},
		{`{}`, `{llm: {top: 1}}`, "llm.top", "1"},
		{`{}`, `{llm: {top: ~}}`, "llm.top", "none"}, // back to 20, below 30
		{`{llm: {top: ~}}`, `{llm: {top: 20}}`, "llm.top", "20"},
		{`{llm: {most: 0}}`, `{llm: {most: 1000000}}`, "llm.most", "1000000"},
		{`{llm: {most: ~}}`, `{llm: {most: 1000000}}`, "llm.most", "1000000"},
		{`{}`, `{llm: {stop: [a, b]}}`, "llm.stop", "[a b]"},
		{`{}`, `{llm: {peers: [{name: n}]}}`, "llm.peers", "[map[name:n]]"},
		{`{}`, `{llm: {options: {temperature: 0.5}}}`, "llm.options.temperature", "0.5"},
		{`{}`, `{llm: {options: {}}}`, "llm.options.num_ctx", "4096"},
		{`{}`, `{limits: {turn_timeout: 100, turns_per_minute: 60, reply_tokens: 1}}`, "limits.reply_tokens", "1"},
		{`{}`, `{limits: {message_bytes: ~}}`, "limits.message_bytes", "1048576"}, // the host's, as before
		{`{}`, `{conversation_storage: {retention_days: 7, max_bytes: 500}}`, "conversation_storage.retention_days", "7"},
		{`{plan: gold}`, `{prompts: {variables: {tone: stern}}, llm: {unmarked: u}}`, "llm.unmarked", "u"},
		{`{}`, `{}`, "llm.fixed", "x"},
		{`{}`, `{llm: {}}`, "llm.fixed", "x"},
	} {
		e, err := ownOf(t, policyHost, try.operator, try.own)
		if err != nil {
			t.Errorf("%s on %s: %v", try.own, try.operator, err)
			continue
		}
		if got, _, _ := strings.Cut(explained(e, try.key), ", "); got != try.want {
			t.Errorf("%s on %s: %s is %s, not %s", try.own, try.operator, try.key, got, try.want)
		}
	}
}

// TestTenantsOwnSettingsAreRefused is what a hostile tenant tries. Nothing of it counts:
// each is one problem at its place in the tenant's document.
func TestTenantsOwnSettingsAreRefused(t *testing.T) {
	const inOperators = "; expected it in the operator's settings, or in the host file `"
	for _, try := range []struct{ name, operator, own, want string }{
		{"operator's key", `{}`, `{llm: {fixed: y}}`,
			"own:1:8: llm.fixed: may not be set by the tenant itself: it is the operator's, and tenant_policy.keys does not name it (built-in rule)" +
				inOperators + "tenant_policy { keys = [\"*\", \"llm.fixed\"] }`"},
		{"null of it", `{}`, `{llm: {fixed: ~}}`,
			"own:1:8: llm.fixed: may not be removed by the tenant itself: it is the operator's, and tenant_policy.keys does not name it (built-in rule)" +
				inOperators + "tenant_policy { keys = [\"*\", \"llm.fixed\"] }`"},
		{"unmarked", `{}`, `{llm: {unmarked: y}}`,
			"own:1:8: llm.unmarked: may not be set by the tenant itself: the plugin marked does not mark it as the tenant's, and tenant_policy.keys does not name it (built-in rule)" +
				inOperators + "tenant_policy { keys = [\"*\", \"llm.unmarked\"] }`"},
		{"endpoint though marked", `{}`, `{llm: {base_url: "http://evil"}}`,
			"own:1:8: llm.base_url: may not be set by the tenant itself: it says where secrets are sent, and tenant_policy.keys does not name it (built-in rule)" +
				inOperators + "tenant_policy { keys = [\"*\", \"llm.base_url\"] }`"},
		{"secret", `{}`, `{llm: {api_key: sk-12345678}}`, `llm.api_key: may not be set by the tenant itself`},
		{"null of a secret", `{}`, `{llm: {api_key: ~}}`, `llm.api_key: may not be removed by the tenant itself`},
		{"the operator's secret sent back", `{}`, `{llm: {own_key: <secret>}}`, `own:1:8: llm.own_key: is the text that is shown for a secret, not one`},
		{"reference to a variable", `{}`, `{llm: {own_key: "${env:HOME}"}}`,
			"own:1:8: llm.own_key: is a reference, and what a tenant writes itself reaches nothing of the host (built-in rule); expected the secret itself"},
		{"reference to a file", `{}`, `{llm: {own_key: "${file:key}"}}`, `own:1:8: llm.own_key: is a reference`},
		{"reference elsewhere", `{}`, `{prompts: {system: "${file:/etc/passwd}"}}`, `own:1:12: prompts.system: is a reference, but its key is not one of a secret`},
		{"raised", `{}`, `{llm: {top: 31}}`,
			"own:1:8: llm.top: is 31, above the operator's 30 (host.yaml:3:75), and may be lowered only; expected at most 30, or more for `llm.top` in the operator's settings of the tenant, its plan or `defaults`"},
		{"raised above the default", `{llm: {top: ~}}`, `{llm: {top: 21}}`, `llm.top: is 21, above the operator's 20 (the default), and may be lowered only`},
		{"null raises", `{llm: {top: 5}}`, `{llm: {top: ~}}`, `llm.top: would go back to 20, above the operator's 5 (tenant.yaml:1:8), and may be lowered only`},
		{"zero is no bound", `{}`, `{llm: {most: 0}}`, `llm.most: is 0, which is no bound, above the operator's 5 (host.yaml:3:84), and may be lowered only`},
		{"negative is no bound", `{}`, `{llm: {most: -1}}`, `llm.most: is -1, which is no bound, above the operator's 5`},
		{"null is no bound", `{}`, `{llm: {most: ~}}`, `llm.most: would remove the operator's bound of 5`},
		{"a limit", `{}`, `{limits: {turn_timeout: 101}}`, `limits.turn_timeout: is 101, above the operator's 100 (host.yaml:2:10), and may be lowered only`},
		{"a limit of the plan", `{plan: gold}`, `{limits: {turn_timeout: 51}}`, "limits.turn_timeout: may not be set by the tenant itself: tenant_policy.keys does not list it (host.yaml:5:59)" +
			inOperators + "plan \"gold\" { tenant_policy { keys = [\"prompts.variables.*\", \"llm.unmarked\", \"limits.turn_timeout\"] } }`"},
		{"zero turns a minute", `{}`, `{limits: {turns_per_minute: 0}}`, `limits.turns_per_minute: is 0, which is no bound, above the operator's 60`},
		{"null of turns a minute", `{}`, `{limits: {turns_per_minute: ~}}`, `limits.turns_per_minute: would remove the operator's bound of 60`},
		{"null of all limits", `{}`, `{limits: ~}`, `own:1:2: limits: would remove the operator's bound of`},
		{"retention", `{conversation_storage: {retention_days: 7}}`, `{conversation_storage: {retention_days: 8}}`, `conversation_storage.retention_days: is 8, above the operator's 7`},
		{"null of retention", `{conversation_storage: {retention_days: 7}}`, `{conversation_storage: {retention_days: ~}}`, `conversation_storage.retention_days: would remove the operator's bound of 7`},
		{"null of the storage", `{}`, `{conversation_storage: ~}`, `own:1:2: conversation_storage: would remove what the operator selects and configures (built-in rule)`},
		{"null of the plugin", `{}`, `{llm: {provider: ~}}`, `own:1:8: llm.provider: would remove the plugin that the operator selects (built-in rule); expected "marked"`},
		{"another plugin", `{}`, `{llm: {provider: other, free: y}}`,
			"own:1:8: llm.provider: may not select \"other\": tenant_policy.plugins lists no llm plugin that a tenant may select (built-in rule)" +
				inOperators + "tenant_policy { plugins = { llm = [\"other\"] } }`"},
		{"another storage", `{}`, `{conversation_storage: {backend: postgres, connection: {host: 10.0.0.1, database: d}}}`, `conversation_storage.backend: may not select "postgres"`},
		{"an operator's key in a list", `{}`, `{llm: {peers: [{name: n}, {rank: 1}]}}`, `llm.peers.1.rank: may not be set by the tenant itself: it is the operator's`},
		{"a map for the operator's", `{}`, `{llm: {options: {num_ctx: 1000000}}}`, `llm.options.num_ctx: may not be set by the tenant itself: it is the operator's`},
		{"null of the operator's map", `{}`, `{llm: {options: ~}}`, `own:1:8: llm.options: may not be removed by the tenant itself, for what is in it: it is the operator's`},
		{"a text for the operator's map", `{}`, `{llm: {either: y}}`, `own:1:8: llm.either: may not be removed by the tenant itself, for what is in it: it is the operator's`},
		{"plan", `{}`, `{plan: gold}`, "own:1:2: plan: may not be set by the tenant itself: a tenant's plan is the operator's to name (built-in rule)"},
		{"null of the plan", `{plan: gold}`, `{plan: ~}`, "own:1:2: plan: may not be removed by the tenant itself: a tenant's plan is the operator's to name (built-in rule)"},
		{"owner", `{}`, `{conversations: {owner: tenant}}`, "conversations.owner: may not be set by the tenant itself: it is the operator's"},
		{"null of owner", `{conversations: {owner: user}}`, `{conversations: ~}`, "conversations: may not be removed by the tenant itself, for what is in it: it is the operator's"},
		{"the policy", `{}`, `{tenant_policy: {keys: ["llm.fixed"]}}`, "own:1:2: tenant_policy: is set by the operator in the host file"},
		{"host's keys", `{}`, `{allow_env: [HOME]}`, "own:1:2: allow_env: is set by the operator in the host file"},
		{"knowledge", `{}`, `{knowledge_base: {enabled: true}}`, "knowledge_base.enabled: may not be set by the tenant itself: it is the operator's"},
		{"unlisted by the plan", `{plan: gold}`, `{llm: {free: y}}`, "llm.free: may not be set by the tenant itself: tenant_policy.keys does not list it (host.yaml:5:59)"},
		{"the prompt with a plan", `{plan: gold}`, `{prompts: {system: hello}}`, "prompts.system: may not be set by the tenant itself: tenant_policy.keys does not list it"},
		{"unknown", `{}`, `{llm: {fre: y}}`, `own:1:8: llm.fre: unknown key; did you mean "free"?`},
	} {
		t.Run(try.name, func(t *testing.T) {
			e, err := ownOf(t, policyHost, try.operator, try.own)
			if err == nil {
				t.Fatalf("taken: %+v", e.Explain())
			}
			got := message(t, err)
			if !strings.Contains(got, try.want) || strings.Contains(got, "sk-of") {
				t.Errorf("got\n%s\nwant\n%s", got, try.want)
			}
			if n := strings.Count(got, "\n") + 1; n != 1 {
				t.Errorf("%d problems:\n%s", n, got)
			}
		})
	}
}

// TestPolicyOpens: what a policy lists a tenant may set, and what it has not is not sent along.
func TestPolicyOpens(t *testing.T) {
	const host = `{tenant_policy: {keys: ["*", llm.base_url, llm.api_key, llm.unmarked, llm.options], plugins: {llm: [other, ollama]}},
defaults: {llm: {provider: marked, api_key: sk-of-the-operator, top: 30}}}`
	for own, want := range map[string]string{
		`{llm: {base_url: "http://elsewhere"}}`:                       "map[base_url:http://elsewhere top:30]", // without the operator's secret
		`{llm: {base_url: "http://elsewhere", api_key: sk-12345678}}`: "map[api_key:<secret> base_url:http://elsewhere top:30]",
		`{llm: {unmarked: u, options: {num_ctx: 5}}}`:                 "map[api_key:<secret> options:map[num_ctx:5] top:30 unmarked:u]",
		`{llm: {provider: other, top: 20}}`:                           "map[top:20]",
		`{llm: {provider: other}}`:                                    "map[]",
	} {
		e, err := ownOf(t, host, `{}`, own)
		if err != nil {
			t.Errorf("%s: %v", own, err)
		} else if got := fmt.Sprint(e.LLM.Config); got != want {
			t.Errorf("%s gives %s, not %s", own, got, want)
		}
	}
	// What was the operator's for another plugin is no bound of this one.
	if _, err := ownOf(t, host, `{}`, `{llm: {provider: other, top: 25}}`); err == nil || !strings.Contains(err.Error(), "above the operator's 20 (the default)") {
		t.Errorf("%v", err)
	}
	// A plugin that is not asked for is not started for a tenant's wish.
	if _, err := ownOf(t, `{defaults: {llm: {provider: marked}}}`, `{}`, `{llm: {provider: nothing}}`); err == nil || strings.Contains(err.Error(), "is named") {
		t.Errorf("%v", err)
	}
}

// TestPolicyBoundsWhatIsNoPluginsKey: the keys of a block that are no plugin's keep the operator's
// bound when the tenant selects another plugin.
func TestPolicyBoundsWhatIsNoPluginsKey(t *testing.T) {
	const host = `{tenant_policy: {plugins: {storage: [memory]}},
defaults: {llm: {provider: marked}, conversation_storage: {backend: postgres, connection: {host: db, database: d}, retention_days: 7}}}`
	for _, own := range []string{
		`{conversation_storage: {backend: memory, retention_days: 8}}`,
		`{conversation_storage: {retention_days: ~, backend: memory}}`,
	} {
		if _, err := ownOf(t, host, `{}`, own); err == nil || !strings.Contains(err.Error(), "and may be lowered only") {
			t.Errorf("%s: %v", own, err)
		}
	}
	if _, err := ownOf(t, host, `{}`, `{conversation_storage: {backend: memory, retention_days: 6}}`); err != nil {
		t.Error(err)
	}
}

// TestOperatorIsFree: the policy binds the tenant's own layer and no other.
func TestOperatorIsFree(t *testing.T) {
	h := loadHost(t, `{tenant_policy: {keys: []}, defaults: {llm: {provider: marked}}}`)
	if _, err := h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, `{llm: {fixed: y, unmarked: y, base_url: "http://x"}, conversations: {owner: tenant}}`)}, policySchemas(t)); err != nil {
		t.Error(err)
	}
}

// TestOwnHidesNothingWrong: what is wrong in the operator's settings stays wrong though the
// tenant's own settings replace it.
func TestOwnHidesNothingWrong(t *testing.T) {
	_, err := ownOf(t, `{tenant_policy: {plugins: {llm: [other]}}, defaults: {llm: {provider: marked}}}`, `{llm: {provider: gone, key: sk-secret-of-it}}`, `{llm: {provider: other}}`)
	if err == nil || !strings.Contains(err.Error(), `tenant.yaml:1:8: llm.provider: no llm plugin is named "gone"`) {
		t.Error(err)
	}
}

func TestPolicyRefuses(t *testing.T) {
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

// TestEveryTenantKeyIsDecided: of each key of a tenant file somebody decided whether a
// tenant may set it itself.
func TestEveryTenantKeyIsDecided(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(TenantFileSchema(), &root); err != nil {
		t.Fatal(err)
	}
	var walk func(path Path, node map[string]any)
	walk = func(path Path, node map[string]any) {
		below, _ := node["properties"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(below)) {
			walk(path.with(key), below[key].(map[string]any))
		}
		if len(below) > 0 {
			return
		}
		if b, ok := blockOf(path[0]); ok && len(path) == 2 && path[1] == b.selector {
			return // tenant_policy.plugins
		}
		c, _ := tenantSchema().cursor().at(path, nil)
		if c.marks.author == byUnmarked {
			t.Errorf("%s: nobody decided who may set it: mark it with %s, %s or %s", path, sdkschema.TenantKeyword, sdkschema.LowerKeyword, sdkschema.OperatorKeyword)
		}
	}
	walk(nil, root)
	for _, key := range slices.Sorted(maps.Keys(defaultLimits())) {
		c, _ := tenantSchema().cursor().at(Path{limitsKey, key}, nil)
		if c.marks.author != byLower || c.marks.zeroUnlimited != (key == "turns_per_minute" || key == "reply_tokens") {
			t.Errorf("limits.%s: %+v", key, c.marks)
		}
	}
}
