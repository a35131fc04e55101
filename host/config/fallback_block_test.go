package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// fallbackHost is a host whose tenants have a model with two fallbacks.
const fallbackHost = `{tenant_policy: {keys: ["*"], plugins: {llm: [other]}},
defaults: {llm: {provider: marked, base_url: "https://a", api_key: sk-operator-key, fallback: [
  {provider: openai, model: m, base_url: "https://b", api_key: sk-fallback-key},
  {provider: echo, prefix: p}]}}}`

// TestEffective_Fallback checks that each block of llm.fallback is a block of its own, which has the
// keys of its plugin, and that the plugin of the block llm does not get the list.
func TestEffective_Fallback(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"inherited": {`{}`, `llm marked {"api_key":"sk-operator-key","base_url":"https://a"}
llm.fallback.0 openai {"api_key":"sk-fallback-key","base_url":"https://b","model":"m"}
llm.fallback.1 echo {"prefix":"p"}`},
		"another provider": {`{llm: {provider: ollama, model: o}}`, `llm ollama {"model":"o"}
llm.fallback.0 openai {"api_key":"sk-fallback-key","base_url":"https://b","model":"m"}
llm.fallback.1 echo {"prefix":"p"}`},
		"another list": {`{llm: {fallback: [{provider: echo}]}}`, `llm marked {"api_key":"sk-operator-key","base_url":"https://a"}
llm.fallback.0 echo {}`},
		"no list":       {`{llm: {fallback: ~}}`, `llm marked {"api_key":"sk-operator-key","base_url":"https://a"}`},
		"an empty list": {`{llm: {fallback: []}}`, `llm marked {"api_key":"sk-operator-key","base_url":"https://a"}`},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := nestingTenant(t, fallbackHost, c.doc, "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range e.Models() {
				config, err := e.inputs.host.Resolve(e, b)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprintf("%s %s %s", b.Path(), b.Plugin, config))
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
			if printed := fmt.Sprintf("%+v", e); strings.Contains(printed, "sk-") {
				t.Error("a secret of a fallback block is printed")
			}
		})
	}
}

// TestTenantMerge_fallback checks the messages of mistakes in fallback blocks, all at once, with their
// positions.
//
// beyond: fallbacks of a model
func TestTenantMerge_fallback(t *testing.T) {
	tooMany := strings.TrimSuffix(strings.Repeat("{provider: echo}, ", bounds.Fallbacks+1), ", ")
	for name, c := range map[string]struct{ list, want string }{
		"no list":               {`{provider: echo}`, "llm.fallback: is a map; expected a list"},
		"a text":                {`[echo]`, "tenant.yaml:1:19: llm.fallback.0: is a text; expected a map"},
		"no selector":           {`[{provider: echo}, {}]`, "llm.fallback.1.provider: is required; expected one of echo, "},
		"a misspelt selector":   {`[{provder: echo}]`, `tenant.yaml:1:20: llm.fallback.0.provder: unknown key; did you mean "provider"?`},
		"a number":              {`[{provider: 3}]`, "tenant.yaml:1:20: llm.fallback.0.provider: is an integer; expected a text"},
		"an unknown plugin":     {`[{provider: olama}]`, `llm.fallback.0.provider: no llm plugin is named "olama"; did you mean "ollama"?`},
		"a wrong value":         {`[{provider: ollama, model: w, temperature: 9}]`, "tenant.yaml:1:48: llm.fallback.0.temperature: is 9; expected at most 2"},
		"an unknown key":        {`[{provider: echo, modl: w}]`, "llm.fallback.0.modl: unknown key"},
		"a null":                {`[{provider: echo, prefix: ~}]`, "llm.fallback.0.prefix: is null"},
		"a missing key":         {`[{provider: ollama}]`, "llm.fallback.0.model: is required"},
		"no secret of its own":  {`[{provider: openai, model: m}]`, "llm.fallback.0.api_key: is required"},
		"a reference":           {`[{provider: openai, model: m, api_key: "${env:NOPE}"}]`, "llm.fallback.0.api_key: "},
		"a reference elsewhere": {`[{provider: ollama, model: "${env:NOPE}"}]`, "llm.fallback.0.model: is a reference, but its key is not one of a secret"},
		"a shown secret":        {`[{provider: openai, model: m, api_key: <secret>}]`, "llm.fallback.0.api_key: is the text that is shown for a secret"},
		"a fallback's fallback": {`[{provider: echo, fallback: [{provider: echo}]}]`, "llm.fallback.0.fallback: unknown key"},
		"too many":              {"[" + tooMany + "]", fmt.Sprintf("llm.fallback: has %d", bounds.Fallbacks+1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nestingTenant(t, fallbackHost, `{llm: {fallback: `+c.list+`}}`, "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	_, err := nestingTenant(t, fallbackHost, `{llm: {fallback: [{provider: echo, x: 1}, {provider: ollama}]}}`, "")
	if err == nil || !strings.Contains(err.Error(), "llm.fallback.0.x") || !strings.Contains(err.Error(), "llm.fallback.1.model") {
		t.Errorf("not all problems at once: %v", err)
	}
}

// TestHost_CheckDefaults_fallback checks that a missing key of an inherited fallback block is found
// before a tenant uses the block, because no tenant can add a key to it.
func TestHost_CheckDefaults_fallback(t *testing.T) {
	h := loadHost(t, `{defaults: {llm: {provider: openai, fallback: [{provider: ollama}, {}]}}}`)
	err := h.CheckDefaults(t.Context(), nestingSchemas(t), nil)
	if err == nil || !strings.Contains(err.Error(), "defaults.llm.fallback.0.model: is required") ||
		!strings.Contains(err.Error(), "defaults.llm.fallback.1.provider: is required") || strings.Contains(err.Error(), "defaults.llm.api_key") {
		t.Errorf("got %v", err)
	}
}

// TestRestriction_fallback checks that the tenant policy decides about fallback blocks as about the
// block llm.
func TestRestriction_fallback(t *testing.T) {
	for name, c := range map[string]struct{ keys, list, want string }{
		"a listed plugin":                {`"*"`, `[{provider: other, free: x}]`, ""},
		"the operator's plugin":          {`"*"`, `[{provider: marked, free: x}]`, ""},
		"the plugin of a fallback":       {`"*"`, `[{provider: echo}]`, ""},
		"the plugin of a fallback alone": {`"*"`, `[{provider: echo, prefix: x}]`, "llm.fallback.0.prefix: may not be set by the tenant itself: the plugin echo does not mark it as the tenant's"},
		"another plugin":                 {`"*"`, `[{provider: other}, {provider: ollama, model: x}]`, `llm.fallback.1.provider: may not select "ollama": tenant_policy.plugins.llm does not list it`},
		"a key that is not listed":       {`"prompts.*"`, `[{provider: other, free: x}]`, "llm.fallback: may not be set by the tenant itself: tenant_policy.keys does not list it"},
		"all keys of the block":          {`"llm.*"`, `[{provider: other, free: x}]`, ""},
		"an operator's key":              {`"*"`, `[{provider: marked, fixed: x}]`, "llm.fallback.0.fixed: may not be set by the tenant itself: it is the operator's"},
		"an operator's key, named":       {`"*", llm.fallback`, `[{provider: marked, fixed: x}]`, ""},
		"an endpoint":                    {`"*"`, `[{provider: marked, base_url: "https://c"}]`, "llm.fallback.0.base_url: may not be set by the tenant itself: it says where secrets are sent"},
		"an unlisted plugin, key named":  {`"*", llm.fallback`, `[{provider: ollama, model: x}]`, `llm.fallback.0.provider: may not select "ollama"`},
		"a reference":                    {`"*"`, `[{provider: marked, own_key: "${env:HOME}"}]`, "llm.fallback.0.own_key: is a reference, and what a tenant writes itself reaches nothing of the host"},
		"a secret of its own":            {`"*"`, `[{provider: marked, own_key: sk-tenants-key}]`, ""},
		"above the default":              {`"*"`, `[{provider: other, top: 21}]`, "llm.fallback.0.top: is 21, above the operator's 20"},
		"removed":                        {`"*"`, `~`, ""},
		"removed and not listed":         {`"prompts.*"`, `~`, "llm.fallback: may not be removed by the tenant itself"},
		"no list":                        {`"*"`, `{provider: other}`, "llm.fallback: is a map; expected a list"},
	} {
		t.Run(name, func(t *testing.T) {
			host := strings.Replace(fallbackHost, `keys: ["*"]`, `keys: [`+c.keys+`]`, 1)
			_, err := nestingTenant(t, host, `{}`, `{llm: {fallback: `+c.list+`}}`)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestPolicy_fallback checks that a policy is refused if it lists a key inside the list llm.fallback. Such
// a line would allow nothing, because a tenant sets the list as a whole.
func TestPolicy_fallback(t *testing.T) {
	for pattern, want := range map[string]string{
		"llm.fallback": "", "llm.fallback.*": "",
		"llm.fallback.model":   `lists "llm.fallback.model", and a list is set as a whole; expected "llm.fallback"`,
		"llm.fallback.0.model": `lists "llm.fallback.0.model", and a list is set as a whole; expected "llm.fallback"`,
	} {
		doc, err := ParseYAML("host.yaml", []byte(`{tenant_policy: {keys: [`+pattern+`]}, defaults: {llm: {provider: echo}}}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = LoadHost(LoadOptions{Document: doc})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
}

// TestTenantMerge_egressOfFallback checks that an address that the tenant itself sets in a fallback
// block is judged, and restricts the plugin of that block and no other.
func TestTenantMerge_egressOfFallback(t *testing.T) {
	host := strings.Replace(fallbackHost, `keys: ["*"]`, `keys: ["*", llm.fallback]`, 1)
	_, err := nestingTenant(t, host, `{}`, `{llm: {fallback: [{provider: marked, base_url: "http://127.0.0.1:80"}]}}`)
	if err == nil || !strings.Contains(err.Error(), "llm.fallback.0.base_url: ") {
		t.Errorf("a loopback address of the tenant gives %v", err)
	}
	host = strings.Replace(host, "{tenant_policy", `{egress: {allow: ["192.0.2.1"]}, tenant_policy`, 1)
	e, err := nestingTenant(t, host, `{}`, `{llm: {fallback: [{provider: other}, {provider: marked, base_url: "https://192.0.2.1"}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if e.LLM.Egress.Restricts() || e.Fallback[0].Egress.Restricts() || !e.Fallback[1].Egress.Restricts() {
		t.Errorf("restricted are %v, %v and %v", e.LLM.Egress.Restricts(), e.Fallback[0].Egress.Restricts(), e.Fallback[1].Egress.Restricts())
	}
	if d := e.Destinations(); len(d) != 1 || d[0].Path.String() != "llm.fallback.1.base_url" || d[0].Plugin != "marked" {
		t.Errorf("the destinations are %+v", d)
	}
}

// TestEffective_Explain_fallback checks that each key of a fallback block is explained, with its
// layer, and without its secret.
func TestEffective_Explain_fallback(t *testing.T) {
	e, err := nestingTenant(t, fallbackHost, `{}`, "")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"llm.fallback.0.provider": "openai, host file, host.yaml:3:4",
		"llm.fallback.0.api_key":  "<secret>, host file, host.yaml:3:55",
		"llm.fallback.1.prefix":   "p, host file, host.yaml:4:20",
	} {
		if got := explained(e, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	for _, entry := range e.Explain() {
		switch entry.Path.String() {
		case "llm.fallback.0.base_url":
			if entry.May != MayNot || !strings.Contains(entry.Allow, `"llm.fallback"`) {
				t.Errorf("the endpoint of a fallback block: %+v", entry)
			}
		case "llm.fallback.0.provider":
			if entry.May != MaySet {
				t.Errorf("the provider of a fallback block: %+v", entry)
			}
		}
	}
	e, err = nestingTenant(t, fallbackHost, `{llm: {fallback: []}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := explained(e, "llm.fallback"); got != "[], tenant, tenant.yaml:1:8" {
		t.Errorf("an empty list is %s", got)
	}
}

// TestEffective_TenantSecrets_fallback checks that the secrets of fallback blocks are found in the
// documents, so that they are sealed and redacted there.
func TestEffective_TenantSecrets_fallback(t *testing.T) {
	doc := yamlDoc(t, `{llm: {fallback: [{provider: echo}, {provider: openai, model: m, base_url: "https://a", api_key: sk-tenants-key}]}}`)
	e, err := loadHost(t, fallbackHost).Tenant(t.Context(), "client-a", Documents{Operator: doc}, nestingSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	operator, _ := e.TenantSecrets()
	if got := fmt.Sprint(operator.Literals); got != "[llm.fallback.1.api_key]" {
		t.Fatalf("literals are %s", got)
	}
	hidden := doc.ReplaceText(operator.Literals, func(Path, string) string { return secretPlaceholder })
	if got := fmt.Sprint(hidden.Values()); strings.Contains(got, "sk-") || !strings.Contains(got, secretPlaceholder) {
		t.Errorf("shown as %s", got)
	}
}

// TestEffective_revision_fallback checks that a change of a fallback block changes the revision. It also
// checks that a tenant without fallback blocks has the revision that hosts without this key compute.
func TestEffective_revision_fallback(t *testing.T) {
	seen := map[string]string{}
	for _, doc := range []string{
		`{}`, `{llm: {fallback: ~}}`, `{llm: {fallback: [{provider: echo, prefix: p}]}}`, `{llm: {fallback: [{provider: echo, prefix: q}]}}`,
		`{llm: {fallback: [{provider: echo, prefix: p}, {provider: echo, prefix: q}]}}`, `{llm: {fallback: [{provider: echo, prefix: q}, {provider: echo, prefix: p}]}}`,
	} {
		e, err := nestingTenant(t, fallbackHost, doc, "")
		if err != nil {
			t.Fatal(err)
		}
		if seen[e.Revision] != "" {
			t.Errorf("%s has the revision of %s", doc, seen[e.Revision])
		}
		seen[e.Revision] = doc
	}
}

// TestCheckRestored_fallbackMoved checks that blocks of one endpoint that change their places keep their
// own keys, and that a block that moves to another endpoint's place is no change of its endpoint.
func TestCheckRestored_fallbackMoved(t *testing.T) {
	h, s := loadHost(t, `{defaults: {llm: {provider: echo}}}`), nestingSchemas(t)
	block := func(model, url, key string) string {
		return `{provider: openai, model: ` + model + `, base_url: "https://` + url + `", api_key: ` + key + `}`
	}
	old := yamlDoc(t, `{llm: {fallback: [`+block("m", "a", "sk-secret-of-m")+`, `+block("n", "a", "sk-secret-of-n")+`, `+block("o", "b", "sk-secret-of-o")+`]}}`)
	doc := RestoreSecrets(yamlDoc(t, `{llm: {fallback: [`+block("o", "b", "<secret>")+`, `+block("n", "a", "<secret>")+`, `+block("m", "a", "<secret>")+`]}}`), old)
	was, err := h.Tenant(t.Context(), "client-a", Documents{Operator: old}, s)
	if err != nil {
		t.Fatal(err)
	}
	is, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckRestored(doc, was, is); err != nil {
		t.Error(err)
	}
	for i, want := range []string{"sk-secret-of-o", "sk-secret-of-n", "sk-secret-of-m"} {
		if got, err := h.Resolve(is, is.Fallback[i]); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("block %d has not %s: %v", i, want, err)
		}
	}
}

// TestCheckRestored_fallback checks that a secret is not kept for another plugin or endpoint of a fallback
// block, and that a block keeps its own when it is moved.
func TestCheckRestored_fallback(t *testing.T) {
	h, s := loadHost(t, `{defaults: {llm: {provider: echo}}}`), nestingSchemas(t)
	const before = `{llm: {fallback: [{provider: openai, model: m, base_url: "https://a", api_key: sk-tenants-key}, {provider: echo}]}}`
	for changed, want := range map[string]string{
		`{llm: {fallback: [{provider: openai, model: n, base_url: "https://a", api_key: <secret>}]}}`:                                                                         "",
		`{llm: {fallback: [{provider: openai, model: m, base_url: "https://b", api_key: <secret>}]}}`:                                                                         "an endpoint of the block changed",
		`{llm: {fallback: [{provider: marked, base_url: "https://a", api_key: <secret>}]}}`:                                                                                   "`llm.fallback.0.provider` changed from \"openai\"",
		`{llm: {fallback: [{provider: openai, model: n, base_url: "https://a", api_key: <secret>}, {provider: openai, model: o, base_url: "https://a", api_key: <secret>}]}}`: "is the text that is shown for a secret",
	} {
		t.Run(want, func(t *testing.T) {
			old := yamlDoc(t, before)
			doc := RestoreSecrets(yamlDoc(t, changed), old)
			was, err := h.Tenant(t.Context(), "client-a", Documents{Operator: old}, s)
			if err != nil {
				t.Fatal(err)
			}
			is, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, s)
			if err == nil {
				err = CheckRestored(doc, was, is)
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
