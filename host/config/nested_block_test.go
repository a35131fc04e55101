package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// nestingSchemas returns plugin schemas with memory plugins that have nested blocks.
func nestingSchemas(t testing.TB) fakeSchemas {
	s := policySchemas(t)
	s["memory"]["recall"] = compile(t, `{"type": "object", "additionalProperties": false, "required": ["embedder"], "properties": {
		"top_k": {"type": "integer", "x-botyard-tenant": true},
		"embedder": {"type": "object", "x-botyard-plugin": "llm", "x-botyard-role": "embedding"},
		"writer": {"type": "object", "x-botyard-plugin": "llm", "x-botyard-role": "llm"}
	}}`)
	s["memory"]["other"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"embedder": {"type": "object", "x-botyard-plugin": "llm", "x-botyard-role": "embedding"}
	}}`)
	return s
}

const nestingHost = `{
defaults: {llm: {provider: echo}, memory: {type: recall, top_k: 3,
  embedder: {provider: openai, model: m, base_url: "https://a", api_key: sk-operator-key}}}}`

func nestingTenant(t *testing.T, host, operator, own string) (*Effective, error) {
	t.Helper()
	docs := Documents{Operator: yamlDoc(t, operator)}
	if own != "" {
		doc, err := ParseYAML("own", []byte(own))
		if err != nil {
			t.Fatal(err)
		}
		docs.Own = doc
	}
	return loadHost(t, host).Tenant(t.Context(), "client-a", docs, nestingSchemas(t))
}

// TestBlock_Nested checks that the outer plugin's configuration does not have the nested blocks, and
// that each nested block has the selected plugin's keys.
func TestBlock_Nested(t *testing.T) {
	e, err := nestingTenant(t, nestingHost, `{memory: {writer: {provider: ollama, model: w}}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	h := e.inputs.host
	var got []string
	for _, b := range e.Blocks() {
		config, err := h.Resolve(e, b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %q %s", b.Path(), b.Kind, b.Plugin, b.Role(), config))
	}
	want := `llm llm echo "" {}
memory memory recall "" {"top_k":3}
memory.embedder llm openai "embedding" {"api_key":"sk-operator-key","base_url":"https://a","model":"m"}
memory.writer llm ollama "llm" {"model":"w"}
conversation_storage storage memory "" {}`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if printed := fmt.Sprintf("%+v", e); strings.Contains(printed, "sk-operator") {
		t.Error("the secret of a nested block is printed")
	}
}

// TestLayers_nestedBlock checks that the merge treats a nested block like a block at the top.
func TestLayers_nestedBlock(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"nothing":          {`{}`, `openai {"api_key":"sk-operator-key","base_url":"https://a","model":"m"}`},
		"a key":            {`{memory: {embedder: {model: n}}}`, `openai {"api_key":"sk-operator-key","base_url":"https://a","model":"n"}`},
		"another plugin":   {`{memory: {embedder: {provider: ollama, model: o}}}`, `ollama {"model":"o"}`},
		"another endpoint": {`{memory: {embedder: {base_url: "https://b", api_key: sk-tenants-key}}}`, `openai {"api_key":"sk-tenants-key","base_url":"https://b","model":"m"}`},
		// The block of another outer plugin is another block, though it has the same name.
		"another outer plugin": {`{memory: {type: other, embedder: {provider: echo}}}`, `echo {}`},
		"no block":             {`{memory: {type: other}}`, ``},
		"null":                 {`{memory: {type: other, embedder: ~}}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := nestingTenant(t, nestingHost, c.doc, "")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, b := range e.Memory.Nested() {
				config, err := e.inputs.host.Resolve(e, b)
				if err != nil {
					t.Fatal(err)
				}
				got = b.Plugin + " " + string(config)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTenantMerge_nestedBlock checks the messages of mistakes in nested blocks, all at once, with
// their positions.
func TestTenantMerge_nestedBlock(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"no block": {`{memory: {embedder: ~}}`, "memory.embedder: is required"},
		"a text":   {`{memory: {embedder: ollama}}`, `tenant.yaml:1:11: memory.embedder: is a text; expected a map`},
		"no selector": {`{memory: {writer: {}}}`,
			"memory.writer.provider: is required"},
		"a misspelt selector": {`{memory: {writer: {provder: ollama}}}`,
			`tenant.yaml:1:20: memory.writer.provder: unknown key; did you mean "provider"?`},
		"a selector that is a number": {`{memory: {writer: {provider: 3}}}`,
			`memory.writer.provider: is an integer, and selects no plugin; expected the name of an llm plugin`},
		"an unknown plugin": {`{memory: {writer: {provider: olama}}}`,
			`memory.writer.provider: no llm plugin is named "olama"; did you mean "ollama"?`},
		"a wrong value": {`{memory: {writer: {provider: ollama, model: w, temperature: 9}}}`,
			`tenant.yaml:1:48: memory.writer.temperature: is 9; expected at most 2`},
		"an unknown key":            {`{memory: {writer: {provider: echo, modl: w}}}`, `memory.writer.modl: unknown key`},
		"a null of an unknown key":  {`{memory: {writer: {provider: echo, modl: ~}}}`, `memory.writer.modl: unknown key`},
		"a missing key":             {`{memory: {writer: {provider: ollama}}}`, `memory.writer.model: is required`},
		"a missing secret":          {`{memory: {embedder: {base_url: "https://b"}}}`, "the inherited secret was dropped because the tenant changed `base_url`"},
		"a reference to nothing":    {`{memory: {embedder: {api_key: "${env:NOPE}"}}}`, `memory.embedder.api_key: `},
		"a reference in a text":     {`{memory: {embedder: {model: "${env:NOPE}"}}}`, `memory.embedder.model: is a reference, but its key is not one of a secret`},
		"a block of a block":        {`{memory: {embedder: {embedder: {provider: echo}}}}`, `memory.embedder.embedder: unknown key`},
		"a misspelt block":          {`{memory: {embeder: {provider: echo}}}`, `memory.embeder: unknown key; did you mean "embedder"?`},
		"the outer plugin's secret": {`{memory: {top_k: "<secret>"}}`, `memory.top_k: `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nestingTenant(t, nestingHost, c.doc, "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestRestriction_nestedBlock checks that the tenant policy decides about nested blocks as about
// blocks at the top.
func TestRestriction_nestedBlock(t *testing.T) {
	const host = `{tenant_policy: {keys: [%s], plugins: {llm: [other]}},
defaults: {llm: {provider: echo}, memory: {type: recall, embedder: {provider: marked, base_url: "https://a", api_key: sk-operator-key, top: 30}}}}`
	for name, c := range map[string]struct{ keys, own, want string }{
		"a marked key":             {`"*"`, `{memory: {embedder: {free: x}}}`, ""},
		"a key of the block":       {`"memory.*"`, `{memory: {embedder: {free: x}}}`, ""},
		"a key that is not listed": {`"llm.*"`, `{memory: {embedder: {free: x}}}`, "memory.embedder.free: may not be set by the tenant itself: tenant_policy.keys does not list it"},
		"an operator's key":        {`"*"`, `{memory: {embedder: {fixed: x}}}`, `memory.embedder.fixed: may not be set by the tenant itself: it is the operator's`},
		"an unmarked key":          {`"*"`, `{memory: {embedder: {unmarked: x}}}`, `the plugin marked does not mark it as the tenant's`},
		"a listed endpoint":        {`"*", memory.embedder.base_url`, `{memory: {embedder: {base_url: "https://b"}}}`, ""},
		"an endpoint":              {`"*"`, `{memory: {embedder: {base_url: "https://b"}}}`, `it says where secrets are sent`},
		"a greater bound":          {`"*"`, `{memory: {embedder: {top: 31}}}`, `memory.embedder.top: is 31, above the operator's 30`},
		"a smaller bound":          {`"*"`, `{memory: {embedder: {top: 29}}}`, ""},
		"a listed plugin":          {`"*"`, `{memory: {embedder: {provider: other, free: y}}}`, ""},
		"a plugin":                 {`"*"`, `{memory: {embedder: {provider: ollama, model: y}}}`, "memory.embedder.provider: may not select \"ollama\": tenant_policy.plugins.llm does not list it"},
		"a new block":              {`"*"`, `{memory: {writer: {provider: ollama, model: y}}}`, "memory.writer.provider: may not select \"ollama\""},
		"a new listed block":       {`"*"`, `{memory: {writer: {provider: other}}}`, ""},
		"a removed block":          {`"*"`, `{memory: {embedder: ~}}`, "memory.embedder: would remove what the operator selects and configures (built-in rule)"},
		"a removed selector":       {`"*"`, `{memory: {embedder: {provider: ~}}}`, "memory.embedder.provider: would remove the plugin that the operator selects"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := nestingTenant(t, fmt.Sprintf(host, c.keys), `{}`, c.own)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestTenantMerge_egressOfNestedBlock checks that an address that the tenant itself sets in a nested
// block is judged, and restricts the nested plugin and no other.
func TestTenantMerge_egressOfNestedBlock(t *testing.T) {
	const host = `{tenant_policy: {keys: ["*", memory.embedder.base_url]}, defaults: {llm: {provider: echo}, memory: {type: recall, embedder: {provider: openai, model: m, base_url: "https://a", api_key: sk-operator-key}}}}`
	_, err := nestingTenant(t, host, `{}`, `{memory: {embedder: {base_url: "http://127.0.0.1:80"}}}`)
	if err == nil || !strings.Contains(err.Error(), "own:1:22: memory.embedder.base_url: ") {
		t.Errorf("a loopback address of the tenant gives %v", err)
	}
	own := `{memory: {embedder: {base_url: "https://192.0.2.1", api_key: sk-tenants-key}}}`
	e, err := nestingTenant(t, strings.Replace(host, "tenant_policy: {keys: [", `egress: {allow: ["192.0.2.1"]}, tenant_policy: {keys: [memory.embedder.api_key, `, 1), `{}`, own)
	if err != nil {
		t.Fatal(err)
	}
	if e.Memory.Egress.Restricts() || !e.Memory.Nested()[0].Egress.Restricts() {
		t.Errorf("the memory's connections are %q, and those of its embedder %q", e.Memory.Egress, e.Memory.Nested()[0].Egress)
	}
	if d := e.Destinations(); len(d) != 1 || d[0].Path.String() != "memory.embedder.base_url" || d[0].Plugin != "openai" {
		t.Errorf("the destinations are %+v", d)
	}
}

func TestEffective_Explain_nestedBlock(t *testing.T) {
	e, err := nestingTenant(t, nestingHost, `{memory: {embedder: {model: n}}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"memory.embedder.provider": "openai, host file, host.yaml:3:14",
		"memory.embedder.model":    "n, tenant, tenant.yaml:1:22",
		"memory.embedder.api_key":  "<secret>, host file, host.yaml:3:65",
	} {
		if got := explained(e, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	for _, entry := range e.Explain() {
		if entry.Path.String() == "memory.embedder.base_url" && !strings.Contains(entry.Allow, "memory.embedder.base_url") {
			t.Errorf("the endpoint is allowed by %q", entry.Allow)
		}
	}
	_, err = nestingTenant(t, strings.Replace(nestingHost, "provider: openai", "provider: marked", 1), `{memory: {embedder: {base_url: "https://b", model: ~}}}`, "")
	if err == nil {
		t.Fatal("a key of another plugin was taken")
	}
	e, err = nestingTenant(t, strings.Replace(nestingHost, "provider: openai, model: m", "provider: marked", 1), `{memory: {embedder: {base_url: "https://b"}}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	dropped := ""
	for _, entry := range e.Explain() {
		dropped += entry.Dropped
	}
	if want := "the tenant changed `memory.embedder.base_url`, and has to bring a secret of its own"; dropped != want {
		t.Errorf("dropped: %q, want %q", dropped, want)
	}
}

// TestEffective_TenantSecrets_nestedBlock checks that the secrets of nested blocks are found in the
// documents, so that they are sealed and redacted there.
func TestEffective_TenantSecrets_nestedBlock(t *testing.T) {
	e, err := nestingTenant(t, nestingHost, `{memory: {embedder: {api_key: sk-tenants-key}, writer: {provider: openai, model: m, base_url: "https://a", api_key: "sk-another-key"}}}`, "")
	if err != nil {
		t.Fatal(err)
	}
	operator, _ := e.TenantSecrets()
	if got := fmt.Sprint(operator.Literals); got != "[memory.embedder.api_key memory.writer.api_key]" {
		t.Errorf("literals are %s", got)
	}
}

// TestEffective_revision_nestedBlock checks that a change of a nested block changes the revision.
func TestEffective_revision_nestedBlock(t *testing.T) {
	seen := map[string]string{}
	for _, doc := range []string{
		`{}`, `{memory: {embedder: {model: n}}}`, `{memory: {embedder: {api_key: sk-another-key}}}`,
		`{memory: {writer: {provider: openai, model: m, base_url: "https://a", api_key: sk-operator-key}}}`,
	} {
		e, err := nestingTenant(t, nestingHost, doc, "")
		if err != nil {
			t.Fatal(err)
		}
		if seen[e.Revision] != "" {
			t.Errorf("%s has the revision of %s", doc, seen[e.Revision])
		}
		seen[e.Revision] = doc
	}
}

// TestCheckRestored_nestedBlock checks that a secret is not kept for another plugin or endpoint of
// its nested block.
func TestCheckRestored_nestedBlock(t *testing.T) {
	h, s := loadHost(t, `{defaults: {llm: {provider: echo}, memory: {type: recall}}}`), nestingSchemas(t)
	const before = `{memory: {embedder: {provider: openai, model: m, base_url: "https://a", api_key: sk-tenants-key}}}`
	for changed, want := range map[string]string{
		`{memory: {embedder: {provider: openai, model: n, base_url: "https://a", api_key: <secret>}}}`: "",
		`{memory: {embedder: {provider: openai, model: m, base_url: "https://b", api_key: <secret>}}}`: "an endpoint of the block changed",
		`{memory: {embedder: {provider: marked, base_url: "https://a", api_key: <secret>}}}`:           "`memory.embedder.provider` changed from \"openai\"",
	} {
		t.Run(want, func(t *testing.T) {
			old := yamlDoc(t, before)
			doc := RestoreSecrets(yamlDoc(t, changed), old)
			was, err := h.Tenant(t.Context(), "client-a", Documents{Operator: old}, s)
			if err != nil {
				t.Fatal(err)
			}
			is, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, s)
			if err != nil {
				t.Fatal(err)
			}
			err = CheckRestored(doc, was, is)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestEnvironment_nestedBlock checks that a variable gets the type of its key in a nested block.
func TestEnvironment_nestedBlock(t *testing.T) {
	h := loadHost(t, `{defaults: {llm: {provider: echo}, memory: {type: recall, embedder: {provider: ollama, model: "1"}}}}`,
		"BOTYARD__DEFAULTS__MEMORY__EMBEDDER__NUM_CTX=4096", "BOTYARD__DEFAULTS__MEMORY__EMBEDDER__MODEL=2")
	e, err := h.Tenant(t.Context(), "client-a", Documents{}, nestingSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%#v", e.Memory.Nested()[0].Config); got != `map[string]interface {}{"model":"2", "num_ctx":4096}` {
		t.Errorf("got %s", got)
	}
}

// TestCompileSchema_nestedBlock checks which marks of nested blocks are refused.
//
// beyond: nested plugins of a plugin
func TestCompileSchema_nestedBlock(t *testing.T) {
	const embedder = `{"type": "object", "x-botyard-plugin": "llm", "x-botyard-role": "embedding"}`
	if n := len(nestedKinds); n != bounds.NestedBlocks {
		t.Errorf("there are %d roles, and the bound of nested blocks is %d", n, bounds.NestedBlocks)
	}
	for name, c := range map[string]struct{ properties, want string }{
		"another kind":      {`"a": {"x-botyard-plugin": "storage", "x-botyard-role": "embedding"}`, "is no nested plugin block"},
		"another role":      {`"a": {"x-botyard-plugin": "llm", "x-botyard-role": "index"}`, "is no nested plugin block"},
		"no role":           {`"a": {"x-botyard-plugin": "llm"}`, "is no nested plugin block"},
		"no kind":           {`"a": {"x-botyard-role": "llm"}`, "is no nested plugin block"},
		"one role twice":    {`"a": ` + embedder + `, "b": ` + embedder, `the role "embedding" has two nested plugin blocks`},
		"below a key":       {`"a": {"type": "object", "properties": {"b": ` + embedder + `}}`, "must be a property at the top"},
		"in a list":         {`"a": {"type": "array", "items": ` + embedder + `}`, "must be a property at the top"},
		"as further values": {`"a": {"type": "object", "additionalProperties": ` + embedder + `}`, "must be a property at the top"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := CompileSchema([]byte(`{"type": "object", "properties": {` + c.properties + `}}`))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	// beyond: nested plugins in nested plugins
	for _, kind := range []string{"llm", "storage"} {
		t.Run(kind, func(t *testing.T) {
			s := nestingSchemas(t)
			s[kind]["nesting"] = compile(t, `{"type": "object", "properties": {"a": `+embedder+`}}`)
			b := blocks[0]
			if kind == "storage" {
				b = blocks[2]
			}
			doc := yamlDoc(t, fmt.Sprintf(`{%s: {%s: nesting}}`, b.path, b.selector))
			_, err := loadHost(t, nestingHost).Tenant(t.Context(), "client-a", Documents{Operator: doc}, s)
			if err == nil || !strings.Contains(err.Error(), "it has nested plugin blocks, which "+article(kind)+" plugin may not have") {
				t.Errorf("got %v", err)
			}
		})
	}
}
