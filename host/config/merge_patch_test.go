package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestMergePatch checks the examples of RFC 7396 in which all documents are objects.
func TestMergePatch(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		t.Run(c[1]+" on "+c[0], func(t *testing.T) {
			old, err := ParseJSON("old", []byte(c[0]))
			if err != nil {
				t.Fatal(err)
			}
			patch, err := ParseJSON("patch", []byte(c[1]))
			if err != nil {
				t.Fatal(err)
			}
			merged, err := MergePatch(old, patch, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(merged.Values()); string(got) != c[2] {
				t.Errorf("%s patched with %s is %s; want %s", c[0], c[1], got, c[2])
			}
			if was, _ := json.Marshal(old.Values()); string(was) != c[0] {
				t.Errorf("%s was changed to %s", c[0], was)
			}
		})
	}
}

// TestMergePatch_values checks that merging two documents of the maximum size is refused if the
// result would exceed that size.
func TestMergePatch_values(t *testing.T) {
	var halves [2]*Document
	for i := range halves {
		keys := map[string]any{}
		for k := range maxValues {
			keys[fmt.Sprint(i, "-", k)] = 1
		}
		halves[i] = FromMap("half", keys)
	}
	if _, err := MergePatch(halves[0], halves[0], nil); err != nil {
		t.Error(err)
	}
	if _, err := MergePatch(halves[0], halves[1], nil); err == nil || !strings.Contains(err.Error(), fmt.Sprint("at most ", maxValues)) {
		t.Errorf("%v", err)
	}
}

// TestMergePatch_secrets checks that a patch cannot change the endpoint and keep the old secret,
// which would send the secret to the new endpoint.
func TestMergePatch_secrets(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m}}`)
	old := yamlDoc(t, `llm: {provider: openai, api_key: sk-the-old-one}`)
	before, err := h.Tenant(t.Context(), "a", Documents{Operator: old}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	secrets, _ := before.TenantSecrets()
	for patch, refused := range map[string]bool{
		`llm: {model: other}`:                                  false,
		`llm: {base_url: "http://x"}`:                          true,
		`llm: {base_url: "http://x", api_key: sk-the-new-one}`: false,
	} {
		t.Run(patch, func(t *testing.T) {
			merged, err := MergePatch(old, yamlDoc(t, patch), secrets.All())
			if err != nil {
				t.Fatal(err)
			}
			merged = RestoreSecrets(merged, old)
			after, err := h.Tenant(t.Context(), "a", Documents{Operator: merged}, testSchemas(t))
			if err != nil {
				t.Errorf("%s: %v", patch, err)
				return
			}
			if err := CheckRestored(merged, before, after); (err != nil) != refused {
				t.Errorf("%s: %v", patch, err)
			}
		})
	}
}
