package config

import (
	"context"
	"pgregory.net/rapid"

	"fmt"
	"os"
	"reflect"

	"strings"
	"testing"
)

// TestLayers_null checks in each format that a null removes inherited values, that an empty text
// replaces an inherited text, and that an empty map changes nothing.
func TestLayers_null(t *testing.T) {
	h := loadHost(t, `
defaults:
  llm: {provider: ollama, model: "gemma3:1b"}
  prompts:
    system: inherited from {{who}}
    variables: {who: the operator}
`)
	const inherited = "inherited from the operator"
	for _, c := range []struct{ name, hcl, yaml, json, want string }{
		{"nothing", "", "", "{}", inherited},
		{"an empty map", "prompts {}", "prompts: {}", `{"prompts": {}}`, inherited},
		{"an empty map in an attribute", "prompts = {}", "prompts: {variables: {}}", `{"prompts": {"variables": {}}}`, inherited},
		{"a null text", "prompts {\n system = null\n}", "prompts: {system: null}", `{"prompts": {"system": null}}`, ""},
		{"a null map", "prompts = null", "prompts: null", `{"prompts": null}`, ""},
		{"a tilde", "prompts {\n system = null\n}", "prompts:\n  system: ~", `{"prompts": {"system": null}}`, ""},
		{"an empty text", "prompts {\n system = \"\"\n}", "prompts: {system: ''}", `{"prompts": {"system": ""}}`, ""},
	} {
		for format, src := range map[string]string{"tenant.hcl": c.hcl, "tenant.yaml": c.yaml, "tenant.json": c.json} {
			t.Run(c.name+" in "+format, func(t *testing.T) {
				p, _ := parserFor(format)
				if _, err := p.Unmarshal([]byte(src)); err != nil {
					t.Errorf("%s in %s: %v", c.name, format, err)
					return
				}
				e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: p.doc}, testSchemas(t))
				if err != nil {
					t.Errorf("%s in %s: %v", c.name, format, err)
				} else if e.Prompts.System.String() != c.want {
					t.Errorf("%s in %s: the system prompt is %q, want %q", c.name, format, e.Prompts.System, c.want)
				}
			})
		}
	}
	// In FromMap's map, nil is a null and removes the inherited prompts.
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: FromMap("map", map[string]any{"prompts": nil})}, testSchemas(t))
	if err != nil || !e.Prompts.System.IsEmpty() {
		t.Errorf("%v: %v", err, e)
	}
}

func TestLayers(t *testing.T) {
	h, err := LoadHost(LoadOptions{
		File: "testdata/tenant/layers.hcl", Overlay: "testdata/tenant/layers.overlay.yaml",
		Environ: []string{"BOTYARD__DEFAULTS__LLM__USER=1234", "BOTYARD__DEFAULTS__LLM__TIMEOUT=12", "OPENAI_API_KEY=sk-operator-key"},
	})
	if err != nil {
		t.Fatal(err)
	}
	schemas := testSchemas(t)
	doc, err := ReadFile("testdata/tenant/layers-tenant.hcl")
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, entry := range e.Explain() {
		fmt.Fprintf(&b, "%s = %v (%s, %s, secret %t)%s\n", entry.Path, entry.Value, entry.Layer, entry.Pos, entry.Secret, strings.TrimRight(" "+entry.Dropped, " "))
	}
	fmt.Fprintf(&b, "system = %q\n", e.Prompts.System)
	for _, block := range []Block{e.LLM, e.Memory, e.Storage} {
		resolved, err := h.Resolve(e, block)
		fmt.Fprintf(&b, "%s %s, references %t: %v\n  as the plugin gets it: %s, %v\n",
			block.Kind, block.Plugin, block.HasReferences(), block.Config, resolved, err)
	}
	secrets, _ := e.TenantSecrets()
	fmt.Fprintf(&b, "the tenant's secrets: literal %v, references %v\n", secrets.Literals, secrets.References)
	const golden = "testdata/tenant/layers.want.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s%v", b.String(), want, err)
	}
}

// merged merges the documents without schemas of plugins. Each document is a layer above the
// previous one.
func merged(docs ...map[string]any) (map[string]any, *layers) {
	s := newLayers(context.Background(), nil, nil)
	for i, d := range docs {
		s.load(layer(min(i, int(tenantLayer))), FromMap(fmt.Sprint("layer ", i), d))
	}
	return s.values.Raw(), s
}

func TestLayers_laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := tree(3, false).Draw(t, "a")
		b := tree(3, true).Draw(t, "b")
		copyA, copyB := cloneValue(a), cloneValue(b)
		ab, s := merged(a, b)

		if !reflect.DeepEqual(any(a), copyA) || !reflect.DeepEqual(any(b), copyB) {
			t.Fatal("merging changed a layer")
		}
		if got, _ := merged(a); !reflect.DeepEqual(got, withoutNulls(a)) {
			t.Fatalf("a layer on nothing gives %v", got)
		}
		if got, _ := merged(a, map[string]any{}); !reflect.DeepEqual(got, withoutNulls(a)) {
			t.Fatalf("an empty layer changes %v", got)
		}
		if got, _ := merged(map[string]any{}, a); !reflect.DeepEqual(got, withoutNulls(a)) {
			t.Fatalf("an empty layer below changes %v", got)
		}
		if got, _ := merged(a, b, b); !reflect.DeepEqual(got, ab) {
			t.Fatalf("a layer twice gives %v, once %v", got, ab)
		}
		if want := model(a, b); !reflect.DeepEqual(ab, want) {
			t.Fatalf("got %v, want %v", ab, want)
		}
		checkProvenance(t, s, nil, ab, b)
	})
}

// model is a simple second implementation of the merge, for comparison. It merges maps key by
// key, a null removes a key, and any other value replaces.
func model(a, b map[string]any) map[string]any {
	out := withoutNulls(a)
	for key, value := range b {
		switch v := value.(type) {
		case nil:
			delete(out, key)
		case map[string]any:
			below, _ := out[key].(map[string]any)
			out[key] = model(below, v)
		default:
			out[key] = v
		}
	}
	return out
}

// withoutNulls removes keys whose value is null, also in nested maps. It keeps nulls in lists.
func withoutNulls(m map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range m {
		switch v := value.(type) {
		case nil:
		case map[string]any:
			out[key] = withoutNulls(v)
		default:
			out[key] = v
		}
	}
	return out
}

// checkProvenance checks that the provenance of each key is the upper layer if the upper layer
// has the key, and otherwise the lower layer.
func checkProvenance(t *rapid.T, s *layers, path Path, value any, upper any) {
	if len(path) > 0 {
		p := s.provenance.find(path)
		if p == nil || p.set == nil {
			t.Fatalf("%s has no provenance", path)
		}
		o := *p.set
		want := layer(0)
		if upper != nil {
			want = 1
		}
		if o.layer != want {
			t.Fatalf("%s is from layer %d, want %d", path, o.layer, want)
		}
	}
	m, ok := value.(map[string]any)
	if !ok {
		return
	}
	u, _ := upper.(map[string]any)
	for key, item := range m {
		checkProvenance(t, s, path.with(key), item, u[key])
	}
	s.provenance.each(nil, func(path Path, p *provenanceTree) {
		if p.set != nil && p.removed != nil {
			t.Fatalf("%q is there and removed", path)
		}
	})
}
