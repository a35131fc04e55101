package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// texts are what may go wrong between formats: quotes, braces, what looks like
// another type, line ends, text that is not in normal form.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-z0-9 ]{0,6}`),
		rapid.SampledFrom([]string{
			"", "true", "null", "~", "1", "0777", "1.0", "<<", "2001-01-01", "yes", "-", "*a", "&a", "!t", "#c", " x ", "a: b",
			`"`, `\`, `\n`, "a\nb\n", "a\tb", "${env:X}", "${x}", "$${x}", "%{if}", "{{a}}", "{{", "e\u0301", "é", "\u212b", "日本", "😀", "\u2028",
		}),
	)
}

func keys() *rapid.Generator[string] { return rapid.SampledFrom([]string{"a", "b", "c", "d-e", "f_1"}) }

func tree(depth int, nulls bool) *rapid.Generator[map[string]any] {
	scalars := []*rapid.Generator[any]{
		rapid.Map(texts(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { n, _ := normalFloat(f); return n }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
	}
	if nulls {
		scalars = append(scalars, rapid.Just[any](nil))
	}
	values := rapid.OneOf(scalars...)
	if depth > 0 {
		values = rapid.OneOf(values,
			rapid.Map(tree(depth-1, nulls), func(m map[string]any) any { return m }),
			rapid.Map(rapid.SliceOfN(rapid.OneOf(scalars...), 0, 3), func(l []any) any { return l }))
	}
	return rapid.MapOfN(keys(), values, 0, 4)
}

// TestFormatsAgree: equal content gives equal maps in every format.
func TestFormatsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tree(3, true).Draw(t, "content")
		j, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var hcl strings.Builder
		for key, value := range want {
			fmt.Fprintf(&hcl, "%s = %s\n", key, hclText(t, value))
		}
		for name, parse := range map[string]func() (*Document, error){
			"json": func() (*Document, error) { return ParseJSON("x.json", j) },
			"yaml": func() (*Document, error) { return ParseYAML("x.yaml", j) }, // JSON is YAML
			"hcl":  func() (*Document, error) { return ParseHCL("x.hcl", []byte(hcl.String())) },
			"map":  func() (*Document, error) { return FromMap("x", want), nil },
		} {
			doc, err := parse()
			if name == "hcl" && !norm.NFC.IsNormalString(hcl.String()) {
				if err == nil || !strings.Contains(err.Error(), "normal form C") {
					t.Fatalf("a text that HCL would change is taken: %v\n%s", err, hcl.String())
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s\n%s", name, err, j, hcl.String())
			}
			if got := doc.Values(); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s gives\n%#v\nwant\n%#v", name, got, want)
			}
		}
	})
}

// hclText writes a value as an HCL expression: JSON, with templates escaped.
func hclText(t *rapid.T, value any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(b.String())
}

// merged puts documents on each other, without plugins.
func merged(docs ...map[string]any) (map[string]any, *layers) {
	s := newLayers(context.Background(), nil, nil)
	for i, d := range docs {
		s.load(layer(min(i, int(tenantLayer))), FromMap(fmt.Sprint("layer ", i), d))
	}
	return s.values.Raw(), s
}

func TestMergeLaws(t *testing.T) {
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
		checkOrigins(t, s, nil, ab, b)
	})
}

// model is the rule of the design as a function: maps key by key, null removes,
// all else replaces.
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

// withoutNulls drops null keys, but not the elements of lists.
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

// checkOrigins: every key has an origin, and it is of the upper layer exactly if
// that one has the key.
func checkOrigins(t *rapid.T, s *layers, path Path, value any, upper any) {
	if len(path) > 0 {
		p := s.provenance.find(path)
		if p == nil || p.set == nil {
			t.Fatalf("%s has no origin", path)
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
		checkOrigins(t, s, path.with(key), item, u[key])
	}
	s.provenance.each(nil, func(path Path, p *provenanceTree) {
		if p.set != nil && p.removed != nil {
			t.Fatalf("%q is there and removed", path)
		}
	})
}
