package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func seed(f *testing.F, extension string) {
	for _, pattern := range []string{"testdata/parse/*/*", "testdata/tenant/bad/*", "testdata/host/*"} {
		paths, err := filepath.Glob(pattern + extension)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			if b, err := os.ReadFile(path); err == nil && len(b) < 4096 {
				f.Add(b)
			}
		}
	}
}

// fuzzParser checks that a parser returns either a document, or problems with positions in the
// source, and that it does not panic. A document must have the same values after it was written
// as JSON and parsed again.
func fuzzParser(f *testing.F, parse func(string, []byte) (*Document, error)) {
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := parse("x", src)
		if err != nil {
			if doc != nil {
				t.Fatal("a document and an error")
			}
			lines := 1 // YAML has five line ends
			for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
				lines += strings.Count(string(src), end)
			}
			for _, p := range err.(Problems) {
				if p.Pos.File != "x" || p.Pos.Line > lines || p.Message == "" {
					t.Fatalf("%+v of %d lines", p, lines)
				}
			}
			return
		}
		values := doc.Values()
		j, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseJSON("x", j)
		if err != nil {
			if strings.Contains(err.Error(), "at most") { // the JSON text may exceed the size limit
				return
			}
			t.Fatalf("%v in %s", err, j)
		}
		if got := again.Values(); !reflect.DeepEqual(got, values) {
			t.Fatalf("as JSON it is\n%#v, not\n%#v", got, values)
		}
		if got := FromMap("x", values).Values(); !reflect.DeepEqual(got, values) {
			t.Fatalf("as a map it is\n%#v, not\n%#v", got, values)
		}
	})
}

func FuzzParseHCL(f *testing.F) {
	seed(f, ".hcl")
	fuzzParser(f, ParseHCL)
}

func FuzzParseYAML(f *testing.F) {
	seed(f, ".yaml")
	fuzzParser(f, ParseYAML)
}

func FuzzParseJSON(f *testing.F) {
	seed(f, ".json")
	fuzzParser(f, ParseJSON)
}

// FuzzTenant checks that no document of a tenant makes the host panic, gives the tenant a secret
// of another tenant, or shows the operator's secret to the tenant.
func FuzzTenant(f *testing.F) {
	seed(f, ".yaml")
	schemas := testSchemas(f)
	h := loadHost(f, `
secrets_dir: testdata/secrets
allow_env: [CLIENT_A_KEY]
defaults: {llm: {provider: openai, model: m, base_url: "https://a", api_key: "${env:OPERATOR_KEY}"}}
`, "OPERATOR_KEY=sk-operator-key", "CLIENT_A_KEY=sk-client-a-key")
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := ParseYAML("x", src)
		if err != nil {
			return
		}
		e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
		if err != nil {
			if strings.Contains(err.Error(), "sk-operator-key") {
				t.Fatal(err)
			}
			return
		}
		got, err := h.Resolve(e, e.LLM)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), "sk-client-b-key") ||
			strings.Contains(string(got), "sk-operator-key") && (e.LLM.Plugin != "openai" || e.LLM.Config["base_url"] != "https://a") {
			t.Fatalf("%s", got)
		}
	})
}
