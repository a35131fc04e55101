package config

import (
	"strings"
	"testing"
)

func TestRestriction_allows(t *testing.T) {
	for _, try := range []struct{ operator, own, key, want string }{
		{`{}`, `{prompts: {system: "Be brief."}}`, "prompts.system", "Be brief."},
		{`{}`, `{prompts: {variables: {tone: stern}}}`, "prompts.variables.tone", "stern"},
		{`{}`, `{prompts: ~}`, "prompts.system", "none"},
		{`{}`, `{llm: {free: y}}`, "llm.free", "y"},
		{`{}`, `{llm: {provider: marked, free: y}}`, "llm.free", "y"},
		{`{}`, `{llm: {own_key: sk-of-the-tenant}}`, "llm.own_key", "<secret>"},
		{`{}`, `{llm: {top: 30}}`, "llm.top", "30"},
		{`{}`, `{llm: {top: 1}}`, "llm.top", "1"},
		{`{}`, `{llm: {top: ~}}`, "llm.top", "none"}, // the default of 20 applies, which is below 30
		{`{llm: {top: ~}}`, `{llm: {top: 20}}`, "llm.top", "20"},
		{`{llm: {most: 0}}`, `{llm: {most: 1000000}}`, "llm.most", "1000000"},
		{`{llm: {most: ~}}`, `{llm: {most: 1000000}}`, "llm.most", "1000000"},
		{`{}`, `{llm: {stop: [a, b]}}`, "llm.stop", "[a b]"},
		{`{}`, `{llm: {peers: [{name: n}]}}`, "llm.peers", "[map[name:n]]"},
		{`{}`, `{llm: {options: {temperature: 0.5}}}`, "llm.options.temperature", "0.5"},
		{`{}`, `{llm: {options: {}}}`, "llm.options.num_ctx", "4096"},
		{`{}`, `{limits: {turn_timeout: 100, turns_per_minute: 60, reply_tokens: 1}}`, "limits.reply_tokens", "1"},
		{`{}`, `{limits: {message_bytes: ~}}`, "limits.message_bytes", "1048576"}, // the host's limit applies again
		{`{}`, `{conversation_storage: {retention_days: 7, max_bytes: 500}}`, "conversation_storage.retention_days", "7"},
		{`{plan: gold}`, `{prompts: {variables: {tone: stern}}, llm: {unmarked: u}}`, "llm.unmarked", "u"},
		{`{}`, `{}`, "llm.fixed", "x"},
		{`{}`, `{llm: {}}`, "llm.fixed", "x"},
	} {
		t.Run(try.own+" on "+try.operator, func(t *testing.T) {
			e, err := ownOf(t, policyHost, try.operator, try.own)
			if err != nil {
				t.Errorf("%s on %s: %v", try.own, try.operator, err)
				return
			}
			if got, _, _ := strings.Cut(explained(e, try.key), ", "); got != try.want {
				t.Errorf("%s on %s: %s is %s, not %s", try.own, try.operator, try.key, got, try.want)
			}
		})
	}
}

// TestRestriction_refuses checks that each forbidden change in a tenant's own settings has no
// effect and is reported as one problem with its position in the tenant's document.
func TestRestriction_refuses(t *testing.T) {
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

// TestRestriction_hidesNothingWrong checks that a mistake in the operator's settings is reported
// even if the tenant's own settings replace the wrong value.
func TestRestriction_hidesNothingWrong(t *testing.T) {
	_, err := ownOf(t, `{tenant_policy: {plugins: {llm: [other]}}, defaults: {llm: {provider: marked}}}`, `{llm: {provider: gone, key: sk-secret-of-it}}`, `{llm: {provider: other}}`)
	if err == nil || !strings.Contains(err.Error(), `tenant.yaml:1:8: llm.provider: no llm plugin is named "gone"`) {
		t.Error(err)
	}
}
