package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestRestoreSecrets(t *testing.T) {
	old := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}, {value: sk-3}], n: 7, headers: {a: b}}, prompts: {system: s}}`)
	new := yamlDoc(t, `{llm: {api_key: <secret>, keys: [{value: <secret>}, {value: other}], n: <secret>, headers: <secret>, none: <secret>, x: "<secret> "}}`)
	before := new.Values()
	got := RestoreSecrets(new, old).Values()
	want := yamlDoc(t, `{llm: {api_key: sk-1, keys: [{value: sk-2}, {value: other}], n: 7, headers: <secret>, none: <secret>, x: "<secret> "}}`).Values()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if !reflect.DeepEqual(new.Values(), before) {
		t.Error("the new document was changed")
	}
	if RestoreSecrets(nil, old) != nil || RestoreSecrets(new, nil) != new {
		t.Error("nil documents")
	}
	if pos := RestoreSecrets(new, old).Pos(Path{"llm", "api_key"}); pos != new.Pos(Path{"llm", "api_key"}) || pos.Line != 1 {
		t.Errorf("the position is %s", pos)
	}
}

// TestRestoreSecrets_lists checks that the element of a list keeps its own secret wherever it stands, and
// that a secret stays out if nobody can say whose it was.
func TestRestoreSecrets_lists(t *testing.T) {
	const (
		a, b, c = "{model: a, key: sk-a}", "{model: b, key: sk-b}", "{model: c, key: sk-c}"
		x, y, z = "{model: a, key: <secret>}", "{model: b, key: <secret>}", "{model: c, key: <secret>}"
		plain   = "{model: p}"
	)
	for name, list := range map[string][3]string{ // old, new and restored
		"unchanged":                       {a + b, x + y, a + b},
		"swapped":                         {a + b, y + x, b + a},
		"rotated":                         {a + b + c, z + x + y, c + a + b},
		"the first is removed":            {a + b, y, b},
		"the last is removed":             {a + b, x, a},
		"one is inserted before":          {a + b, plain + x + y, plain + a + b},
		"one is appended":                 {a + b, x + y + plain, a + b + plain},
		"one is repeated":                 {a + b, x + x, a + a},
		"one is changed":                  {a + b, x + "{model: n, key: <secret>}", a + "{model: n, key: sk-b}"},
		"one is changed and moved":        {a + b, "{model: n, key: <secret>}" + x, "{model: n, key: sk-b}" + a},
		"two are changed":                 {a + b, "{model: m, key: <secret>}" + "{model: n, key: <secret>}", "{model: m, key: <secret>}" + "{model: n, key: <secret>}"},
		"one is removed, another changed": {a + b, "{model: n, key: <secret>}", "{model: n, key: <secret>}"},
		"one is changed, one has none":    {a + plain, "{model: n, key: <secret>}", "{model: n, key: sk-a}"},
		"a new one":                       {plain, plain + x, plain + x},
		"more of the same":                {a, x + "{model: n, key: <secret>}", a + "{model: n, key: <secret>}"},
		"alike, in place":                 {"{key: sk-1}" + "{key: sk-2}", "{key: <secret>}" + "{key: <secret>}", "{key: sk-1}" + "{key: sk-2}"},
		"alike, one is replaced":          {"{key: sk-1}" + "{key: sk-2}", "{key: sk-3}" + "{key: <secret>}", "{key: sk-3}" + "{key: sk-2}"},
		"alike, one is removed":           {"{key: sk-1}" + "{key: sk-2}", "{key: <secret>}", "{key: <secret>}"},
		"alike with one secret":           {"{key: sk-1}" + "{key: sk-1}", "{key: <secret>}", "{key: sk-1}"},
		"texts, one is removed":           {"[sk-1, sk-2, sk-3]", "[<secret>, <secret>]", "[<secret>, <secret>]"},
		"texts, one is appended":          {"[sk-1, sk-2]", "[<secret>, <secret>, sk-3]", "[sk-1, sk-2, sk-3]"},
		"lists in lists":                  {"{m: a, of: [{n: 1, key: sk-1}, {n: 2, key: sk-2}]}" + b, y + "{m: a, of: [{n: 2, key: <secret>}, {n: 1.0, key: <secret>}]}", b + "{m: a, of: [{n: 2, key: sk-2}, {n: 1.0, key: sk-1}]}"},
		"no list before":                  {"", x, x},
	} {
		t.Run(name, func(t *testing.T) {
			doc := func(elements string) *Document {
				if strings.HasPrefix(elements, "[") {
					return yamlDoc(t, "list: "+elements)
				}
				return yamlDoc(t, "list: ["+strings.ReplaceAll(elements, "}{", "}, {")+"]")
			}
			got := RestoreSecrets(doc(list[1]), doc(list[0]))
			if want := doc(list[2]); !reflect.DeepEqual(got.Values(), want.Values()) {
				t.Errorf("got  %v\nwant %v", got.Values(), want.Values())
			}
		})
	}
}

// TestRestoreSecrets_manyElements checks that the time for a list of many elements is bounded: it keeps
// its secrets in place, and no elements are looked for.
func TestRestoreSecrets_manyElements(t *testing.T) {
	const many = 100
	if many*many <= maxCompared {
		t.Fatal("the list is too short for this test")
	}
	list := func(text func(i int) any) *Document {
		values := make([]any, many)
		for i := range values {
			values[i] = map[string]any{"n": i, "key": text(i)}
		}
		return FromMap("body", map[string]any{"list": values})
	}
	old, hidden := list(func(i int) any { return fmt.Sprint("sk-", i) }), list(func(int) any { return secretPlaceholder })
	if got := RestoreSecrets(hidden, old); !reflect.DeepEqual(got.Values(), old.Values()) {
		t.Errorf("in place: %v", got.Values())
	}
	values := hidden.Values()
	slices.Reverse(values["list"].([]any))
	moved := FromMap("body", values)
	if got := RestoreSecrets(moved, old); !reflect.DeepEqual(got.Values(), moved.Values()) {
		t.Errorf("moved: %v", got.Values())
	}
}

// TestRestoreSecrets_marked checks that the mark of a secret moves with it.
func TestRestoreSecrets_marked(t *testing.T) {
	old := yamlDoc(t, `{list: [{n: 1}, {n: 2, key: sk-2}]}`).MarkSecret([]Path{{"list", "1", "key"}})
	got := RestoreSecrets(yamlDoc(t, `{list: [{n: 2, key: <secret>}]}`), old)
	if !got.isSealed(Path{"list", "0", "key"}) {
		t.Errorf("marked are %v", got.Marked())
	}
}
