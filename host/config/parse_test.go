package config

import (
	"fmt"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParse_refuses(t *testing.T) {
	const folder = "testdata/parse/bad"
	tb := openTable(t, folder+"/want.txt")
	for _, name := range cases(t, folder) {
		t.Run(name, func(t *testing.T) {
			doc, err := ReadFile(filepath.Join(folder, name))
			if err == nil {
				t.Errorf("%s: no problem, got %v", name, doc.Values())
				return
			}
			tb.check(t, name, message(t, err))
		})
	}
}

// TestParse checks that each file in testdata/parse/good gives the values in the .want.json file
// beside it, and that files that differ only in the extension give equal values.
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

// TestParseKept checks that ParseKept accepts what earlier versions of the host accepted: YAML
// keys without a value, and HCL texts that are not in normal form C.
func TestParseKept(t *testing.T) {
	for path, src := range map[string]string{"a.yaml": "a:\n", "a.yml": "a:\n", "a.hcl": "a = null", "a.json": `{"a":null}`} {
		t.Run(path, func(t *testing.T) {
			doc, err := ParseKept(path, []byte(src))
			if err != nil || !reflect.DeepEqual(doc.Values(), map[string]any{"a": nil}) {
				t.Errorf("%s: %v, %v", path, doc, err)
			}
		})
	}
	doc, err := ParseKept("a.hcl", []byte("a = \"e\u0301\""))
	if err != nil || doc.Values()["a"] != "\u00e9" {
		t.Errorf("%v, %v", doc, err)
	}
}

// TestParse_formatsAgree checks that equal content gives equal maps in every format.
func TestParse_formatsAgree(t *testing.T) {
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
			"yaml": func() (*Document, error) { return ParseYAML("x.yaml", j) }, // every JSON text is also YAML
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

// hclText returns a value as an HCL expression. The expression is JSON in which template signs
// are escaped.
func hclText(t *rapid.T, value any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(b.String())
}

// TestParse_values checks that HCL, YAML and JSON have the same maximum number of values, because
// the host exports every document as JSON.
func TestParse_values(t *testing.T) {
	for _, extension := range []string{".hcl", ".yaml"} {
		t.Run(extension, func(t *testing.T) {
			for n := maxValues - 10; n < maxValues+3; n++ {
				text := "a = [" + strings.Repeat("1,", n) + "1]"
				if extension == ".yaml" {
					text = "a: [" + strings.Repeat("1,", n) + "1]"
				}
				doc, err := Parse("a"+extension, []byte(text))
				_, other := ParseJSON("a.json", []byte(`{"a": [`+strings.Repeat("1,", n)+`1]}`))
				if doc != nil && other != nil || (err == nil) != (other == nil) {
					t.Errorf("%d in %s: %v; in JSON: %v", n, extension, err, other)
				}
			}
		})
	}
}
