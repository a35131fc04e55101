package config

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// largeDocuments returns documents with n keys or list elements each. A parser or a check that
// compares each key with all others would take quadratic time on them.
func largeDocuments(n int) map[string]string {
	repeat := func(format, separator string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
		}
		return strings.Join(parts, separator)
	}
	return map[string]string{
		"variables.json":         `{"prompts": {"variables": {` + repeat(`"v#": "x"`, ",") + `}}}`,
		"variables.yaml":         "prompts:\n  variables:\n" + repeat("    v#: x", "\n"),
		"variables.hcl":          "prompts {\n  variables {\n" + repeat(`    v# = "x"`, "\n") + "\n  }\n}\n",
		"flow.yaml":              "prompts: {variables: {" + repeat("v#: x", ", ") + "}}",
		"object.hcl":             "prompts = { variables = {" + repeat(`v# = "x"`, ", ") + "} }",
		"unknown.json":           "{" + repeat(`"v#": 1`, ",") + "}",
		"unknown.hcl":            repeat("v# = 1", "\n"),
		"unknown_in_block.yaml":  "llm:\n" + repeat("  v#: x", "\n"),
		"blocks.hcl":             repeat("v# {\n}", "\n"),
		"labels.hcl":             repeat(`a "v#" {`+"\n}", "\n"),
		"same.json":              "{" + repeat(`"v": 1`, ",") + "}",
		"same.hcl":               repeat("v = 1", "\n"),
		"same_blocks.hcl":        repeat("v {\n}", "\n"),
		"same_in_blocks.hcl":     repeat("v# {\n a = 1\n a = 2\n}", "\n"),
		"nulls.json":             `{"prompts": {"variables": {` + repeat(`"v#": null`, ",") + `}}}`,
		"unknown_nulls.json":     "{" + repeat(`"v#": null`, ",") + "}",
		"wrong_types.json":       `{"prompts": {"variables": {` + repeat(`"v#": 1`, ",") + `}}}`,
		"wrong_names.json":       `{"prompts": {"variables": {` + repeat(`"v-#": "x"`, ",") + `}}}`,
		"list.json":              `{"llm": {"models": [` + repeat(`"v#"`, ",") + `]}}`,
		"list.yaml":              "llm:\n  models:\n" + repeat("  - v#", "\n"),
		"secrets.json":           `{"llm": {"headers": {` + repeat(`"v#": "12345678"`, ",") + `}}}`,
		"secret_references.json": `{"llm": {"headers": {` + repeat(`"v#": "${env:NONE}"`, ",") + `}}}`,
		"undefined.yaml":         `prompts: {system: "` + repeat("{{u#}}", " ") + `", variables: {` + repeat("v#: x", ", ") + "}}",
		"braces.yaml":            `prompts: {system: "` + strings.Repeat("{", n) + strings.Repeat("{{ ", n) + `"}`,
		"expressions.hcl":        repeat("v# = a.b", "\n"),
		"interpolations.hcl":     repeat(`v# = "${a}"`, "\n"),
		"anchors.yaml":           repeat("v#: &a x", "\n"),
	}
}

// TestDocument_large checks that the time to read and check a document grows in proportion to its
// size. It raises the bounds and reads documents that are larger than the normal bounds allow.
// The whole test takes seconds; with an algorithm of quadratic time a single document would take
// minutes.
func TestDocument_large(t *testing.T) {
	size, values := maxSize, maxValues
	t.Cleanup(func() { maxSize, maxValues = size, values })
	maxSize, maxValues = 100*size, 100*values
	const n = 12_000
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: sk-12345678}}`)
	schemas := testSchemas(t)
	for name, text := range largeDocuments(n) {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				p, _ := parserFor(name)
				doc, err := parse(name, []byte(text), p.parse)
				if err != nil {
					atMostAHundred(t, err)
					return
				}
				e, err := h.Tenant(ctx, "acme", Documents{Operator: doc}, schemas)
				if err != nil {
					atMostAHundred(t, err)
					return
				}
				e.Explain()
				e.TenantSecrets()
				if _, err := h.Resolve(e, e.LLM); err != nil {
					t.Error(err)
				}
			}()
			select {
			case <-done:
			case <-ctx.Done():
				t.Fatal("takes minutes")
			}
		})
	}
}

func atMostAHundred(t *testing.T, err error) {
	t.Helper()
	problems, ok := err.(Problems)
	if !ok || len(problems) > maxProblems+1 {
		t.Errorf("%T with %d problems", err, len(problems))
	}
	if n := len(err.Error()); n > 100_000 {
		t.Errorf("a message of %d bytes", n)
	}
}

// TestDocument_bounds checks that a document at a bound is accepted and that a document one step
// beyond it is refused.
func TestDocument_bounds(t *testing.T) {
	variables := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ", v%d: x", i)
		}
		return "prompts: {variables: {a: x" + b.String() + "}}"
	}
	const inside = 9_996 // variables besides a; the document, prompts, variables and a are four more values
	if _, err := ParseYAML("a.yaml", []byte(variables(inside))); err != nil {
		t.Error(err)
	}
	var manyBlocks string
	for i := range 10_001 {
		manyBlocks += fmt.Sprintf("a%d {}\n", i)
	}
	labels := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d \"b\" \"c\" {}\n", i)
		}
		return b.String()
	}
	below := func(keys int) string {
		return strings.Repeat(`{"`+strings.Repeat("k", 256)+`": `, keys) + `{"a": `
	}
	for _, c := range []struct{ name, text, want string }{
		// beyond: values
		{"a.yaml", variables(inside + 1), "is beyond the first 10000 keys and elements of the document"},
		{"a.json", `{"a": [` + strings.Repeat("1,", 10_000) + `1]}`, "is beyond the first 10000 keys and elements of the document"},
		{"a.hcl", "a = [" + strings.Repeat("1,", 10_000) + "1]", "is beyond the first 10000 keys and elements of the document"},
		{"a.hcl", manyBlocks, "is beyond the first 10000 keys and elements of the document"},
		{"a.hcl", labels(3_334), "is beyond the first 10000 keys and elements of the document"},
		// beyond: key
		{"a.yaml", strings.Repeat("k", 257) + ": 1", "a key has 257 bytes, more than 256"},
		{"a.hcl", strings.Repeat("k", 257) + " = 1", "a key has 257 bytes, more than 256"},
		{"a.hcl", `a "` + strings.Repeat("k", 257) + `" {}`, "a key has 257 bytes, more than 256"},
		{"a.json", `{"` + strings.Repeat("k", 257) + `": 1}`, "a key has 257 bytes, more than 256"},
		// beyond: depth
		{"a.yaml", strings.Repeat("{a: ", 65) + strings.Repeat("}", 65), "is nested too deeply; expected at most 64 levels"},
		{"a.json", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "is nested too deeply; expected at most 64 levels"},
		{"a.hcl", "a = " + strings.Repeat("[", 65) + strings.Repeat("]", 65), "is nested too deeply; expected at most 64 levels"},
		{"a.hcl", "a" + strings.Repeat(` "b"`, 65) + " {}", "is nested too deeply; expected at most 64 levels"},
		// beyond: path
		{"a.json", below(4) + "1}" + strings.Repeat("}", 4), "is below keys of 1025 bytes together; expected at most 1024"},
		{"a.yaml", below(4) + "1}" + strings.Repeat("}", 4), "is below keys of 1025 bytes together; expected at most 1024"},
		{"a.hcl", "a = " + below(4) + "1}" + strings.Repeat("}", 4), "is below keys of 1025 bytes together; expected at most 1024"},
		{"a.hcl", "a" + strings.Repeat(` "`+strings.Repeat("k", 256)+`"`, 4) + " {\n b = 1\n}", "is below keys of 1025 bytes together; expected at most 1024"},
		// beyond: words of HCL
		{"a.hcl", "a = [" + strings.Repeat("1,", 50_000) + "1]", "is beyond the first 100000 words and signs of the document"},
		{"a.hcl", "a = " + strings.Repeat("9", 401), "is out of the range of 64 bits"},
		// beyond: lines of HCL
		{"a.hcl", "a = <<E\n" + strings.Repeat("x\n", 100_000) + "E\n", "is a text of too many lines or escapes for its length"},
		// beyond: document
		{"a.yaml", "a: " + strings.Repeat("x", 1<<20), "has 1048579 bytes; expected at most 1048576"},
	} {
		t.Run(c.name+" "+c.want, func(t *testing.T) {
			p, _ := parserFor(c.name)
			if _, err := parse(c.name, []byte(c.text), p.parse); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %.300v; want %s", c.name, err, c.want)
			}
		})
	}
}
