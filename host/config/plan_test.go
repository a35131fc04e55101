package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// explained returns value, layer and position of a key in the result of Explain, or "none" if the
// key is not there.
func explained(e *Effective, key string) string {
	for _, entry := range e.Explain() {
		if entry.Path.String() == key {
			return fmt.Sprintf("%v, %s, %s", entry.Value, entry.Layer, entry.Pos)
		}
	}
	return "none"
}

func loadFiles(t *testing.T, host, overlay string, environ ...string) (*Host, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"botyard.hcl": host, "overlay.yaml": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return LoadHost(LoadOptions{File: "botyard.hcl", Overlay: "overlay.yaml", Environ: environ})
}

const planHost = `
defaults {
  plan = "free"
  llm {
    provider    = "ollama"
    model       = "small"
    temperature = 0.1
  }
}
plan "free" {
  memory {
    max_messages = 10
  }
}
plan "gold" {
  llm {
    provider = "openai"
    model    = "large"
    api_key  = "sk-of-the-plan"
    user     = "2"
  }
  limits {
    turns_per_minute = 600
  }
}
`

func TestPlan_layers(t *testing.T) {
	h, err := loadFiles(t, planHost, `{plan: {gold: {llm: {timeout: 5}}, silver: {memory: {max_messages: 30}}}}`,
		"BOTYARD__PLAN__GOLD__LLM__USER=3", "BOTYARD__PLAN__GOLD__MEMORY__MAX_MESSAGES=40")
	if err != nil {
		t.Fatal(err)
	}
	schemas := testSchemas(t)
	if err := h.CheckDefaults(t.Context(), schemas, nil); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct{ doc, plan, key, want string }{
		{`{}`, "free", "memory.max_messages", "10, plan, botyard.hcl:12:5"},
		{`{}`, "free", "llm.model", "small, host file, botyard.hcl:6:5"},
		{`{plan: ~}`, "", "memory.max_messages", "none"},
		{`{plan: silver}`, "silver", "memory.max_messages", "30, plan, overlay.yaml:1:54"},
		{`{plan: gold}`, "gold", "llm.model", "large, plan, botyard.hcl:18:5"},
		{`{plan: gold}`, "gold", "llm.temperature", "<nil>, plan, botyard.hcl:17:5"}, // temperature belongs to ollama, which gold replaces
		{`{plan: gold}`, "gold", "llm.timeout", "5, plan, overlay.yaml:1:22"},
		{`{plan: gold}`, "gold", "llm.user", "3, plan, environment variable BOTYARD__PLAN__GOLD__LLM__USER"},
		{`{plan: gold}`, "gold", "memory.max_messages", "40, plan, environment variable BOTYARD__PLAN__GOLD__MEMORY__MAX_MESSAGES"},
		{`{plan: gold}`, "gold", "plan", "gold, tenant, tenant.yaml:1:2"},
		{`{plan: gold, llm: {model: own}}`, "gold", "llm.model", "own, tenant, tenant.yaml:1:20"},
		{`{plan: gold, llm: {base_url: "http://elsewhere", api_key: sk-of-the-tenant}}`, "gold", "llm.api_key", "<secret>, tenant, tenant.yaml:1:50"},
	} {
		t.Run(try.key+" of "+try.doc, func(t *testing.T) {
			e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, try.doc)}, schemas)
			if err != nil {
				t.Errorf("%s: %v", try.doc, err)
				return
			}
			if got := explained(e, try.key); got != try.want || e.Plan != try.plan {
				t.Errorf("%s: plan %q, %s is %s, not %s", try.doc, e.Plan, try.key, got, try.want)
			}
		})
	}
	// All tenants with the same plan share one baseMerge.
	a, _ := h.Tenant(t.Context(), "a", Documents{}, schemas)
	b, _ := h.Tenant(t.Context(), "b", Documents{}, schemas)
	if a.inputs.base != b.inputs.base || a.inputs.base.parent == nil {
		t.Error("the plan is merged for each tenant")
	}
	// A tenant that changes the endpoint does not inherit the plan's secret.
	_, err = h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, `{plan: gold, llm: {base_url: "http://elsewhere"}}`)}, schemas)
	if err == nil || !strings.Contains(err.Error(), "the inherited secret was dropped") {
		t.Errorf("the plan's secret goes elsewhere: %v", err)
	}
}

// TestPlan_overlayMovesEndpoint checks that the secret of a plan in the host file is dropped if
// the overlay changes the endpoint of the plan.
func TestPlan_overlayMovesEndpoint(t *testing.T) {
	h, err := loadFiles(t, planHost, `{plan: {gold: {llm: {base_url: "http://elsewhere"}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, `plan: gold`)}, testSchemas(t))
	if err == nil || !strings.Contains(err.Error(), "the inherited secret was dropped because the plan changed") {
		t.Errorf("%v, %v", e, err)
	}
}

func TestPlan_refuses(t *testing.T) {
	for _, try := range []struct{ name, host, overlay, doc, want string }{
		{"unknown", planHost, `{}`, `{plan: golt}`, `tenant.yaml:1:2: plan: no plan is named "golt"; did you mean "gold"?`},
		{"none", `listen = "127.0.0.1:1"`, `{}`, `{plan: golt}`, `tenant.yaml:1:2: plan: no plan is named "golt"; expected plan "golt" { ... } in the host file`},
		{"removed", planHost, `{plan: {gold: ~}}`, `{plan: gold}`, `tenant.yaml:1:2: plan: no plan is named "gold"; expected free`},
		{"of defaults", `defaults {
  plan = "fre"
}
plan "free" {}`, `{}`, "", `botyard.hcl:2:3: defaults.plan: no plan is named "fre"; did you mean "free"?`},
		{"keys", `plan "gold" {
  plan = "free"
  promts {}
  listen = "x"
  limits {
    turn_timeout = "long"
  }
}`, `{}`, "", `botyard.hcl:2:3: plan.gold.plan: a plan cannot name a plan; expected its keys in this block
botyard.hcl:3:3: plan.gold.promts: unknown key; did you mean "prompts"?
botyard.hcl:4:3: plan.gold.listen: is the host's own key; expected it at the top level of the host file
botyard.hcl:6:5: plan.gold.limits.turn_timeout: is a text; expected a number`},
		{"no block", `plan = "gold"`, `{}`, "", `botyard.hcl:1:1: plan: is a text; expected a map`},
		{"no block for a name", `plan = { gold = 1 }`, `{}`, "", `botyard.hcl:1:10: plan.gold: is an integer; expected a map`},
		{"name", `plan "a b" {}`, `{}`, "", `botyard.hcl:1:6: plan."a b": is not an accepted name; expected a text that matches ^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`},
		{"map in a tenant", planHost, `{}`, `{plan: {gold: {}}}`, `tenant.yaml:1:2: plan: is a map; expected a text`},
	} {
		t.Run(try.name, func(t *testing.T) {
			h, err := loadFiles(t, try.host, try.overlay)
			if err == nil && try.doc != "" {
				_, err = h.Tenant(t.Context(), "a", Documents{Operator: yamlDoc(t, try.doc)}, testSchemas(t))
			}
			if err == nil {
				t.Fatal("taken")
			}
			got := strings.ReplaceAll(err.Error(), "\nbuilt-in defaults: llm.provider: is required", "")
			if !strings.Contains(got, try.want) {
				t.Errorf("got\n%s\nwant\n%s", got, try.want)
			}
		})
	}
}

// TestPlan_isCheckedWithoutTenant checks that CheckDefaults reports problems of a plan that no
// tenant has.
func TestPlan_isCheckedWithoutTenant(t *testing.T) {
	h, err := loadFiles(t, planHost+"plan \"bad\" {\n  llm {\n    modle = \"x\"\n  }\n  memory {\n    type = \"none\"\n  }\n}\n", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `botyard.hcl:28:5: plan.bad.llm.modle: unknown key; did you mean "model"?
botyard.hcl:31:5: plan.bad.memory.type: no memory plugin is named "none"; expected one of buffer, vector`
	if got := message(t, h.CheckDefaults(t.Context(), testSchemas(t), nil)); got != want {
		t.Errorf("got\n%s", got)
	}
}

// beyond: plans
func TestPlan_bound(t *testing.T) {
	var b strings.Builder
	for i := range bounds.MaxPlans + 1 {
		fmt.Fprintf(&b, "plan \"p%d\" {}\n", i)
	}
	_, err := loadFiles(t, b.String(), `{}`)
	if want := fmt.Sprintf("plan: has %d plans; expected at most %d", bounds.MaxPlans+1, bounds.MaxPlans); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

func TestHost_MayRetain_plan(t *testing.T) {
	h := loadHost(t, `{defaults: {llm: {provider: echo}}, plan: {kept: {}, brief: {conversation_storage: {retention_days: 7}}}}`)
	for doc, want := range map[string]bool{`{}`: false, `{plan: kept}`: false, `{plan: brief}`: true} {
		t.Run(doc, func(t *testing.T) {
			if docs := (Documents{Operator: yamlDoc(t, doc)}); h.MayRetain(docs) != want {
				t.Errorf("%s: may retain: %t", doc, !want)
			} else if e, err := h.Tenant(t.Context(), "a", docs, testSchemas(t)); err != nil || (e.RetentionDays == 7) != want {
				t.Errorf("%s: %v, %v", doc, e, err)
			}
		})
	}
}
