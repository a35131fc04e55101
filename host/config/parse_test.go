package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	const folder = "testdata/parse/bad"
	tb := openTable(t, folder+"/want.txt")
	for _, name := range cases(t, folder) {
		doc, err := ReadFile(filepath.Join(folder, name))
		if err == nil {
			t.Errorf("%s: no problem, got %v", name, doc.Values())
			continue
		}
		tb.check(t, name, message(t, err))
	}
}

// TestParse reads each file, and wants files of one name to have equal content
// and the JSON beside them.
func TestParse(t *testing.T) {
	const folder = "testdata/parse/good"
	first := map[string]map[string]any{}
	for _, name := range cases(t, folder) {
		doc, err := ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := doc.Values()
		stem := strings.TrimSuffix(name, filepath.Ext(name))
		if want, ok := first[stem]; ok {
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s gives\n%#v\nthe other format\n%#v", name, got, want)
			}
			continue
		}
		first[stem] = got
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(got); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join(folder, stem+".want.json")
		if *update {
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s gives\n%s\nwant\n%s (%v)", name, b.Bytes(), want, err)
		}
	}
}

// TestParseKept reads what earlier builds took.
func TestParseKept(t *testing.T) {
	for path, src := range map[string]string{"a.yaml": "a:\n", "a.yml": "a:\n", "a.hcl": "a = null", "a.json": `{"a":null}`} {
		doc, err := ParseKept(path, []byte(src))
		if err != nil || !reflect.DeepEqual(doc.Values(), map[string]any{"a": nil}) {
			t.Errorf("%s: %v, %v", path, doc, err)
		}
	}
	doc, err := ParseKept("a.hcl", []byte("a = \"e\u0301\""))
	if err != nil || doc.Values()["a"] != "\u00e9" {
		t.Errorf("%v, %v", doc, err)
	}
}
