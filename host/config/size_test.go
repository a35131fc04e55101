package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
)

// largeDocuments have n keys or elements each, in the shapes that are costly where
// something is looked for in all of them.
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

// TestLargeDocuments takes documents that are larger than those that are accepted. All
// together take some seconds; where the time grows as the square of the size, one alone
// takes minutes.
func TestLargeDocuments(t *testing.T) {
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

// TestBoundsOfADocument goes to each bound and one step beyond it.
func TestBoundsOfADocument(t *testing.T) {
	variables := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ", v%d: x", i)
		}
		return "prompts: {variables: {a: x" + b.String() + "}}"
	}
	const inside = 9_996 // beside the document, prompts, variables and a
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
		p, _ := parserFor(c.name)
		if _, err := parse(c.name, []byte(c.text), p.parse); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v; want %s", c.name, err, c.want)
		}
	}
}

// TestBoundOfASystemPrompt: a short document cannot make a long prompt.
func TestBoundOfASystemPrompt(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: echo}}`)
	make := func(uses, length int) error {
		doc := yamlDoc(t, "prompts: {system: '"+strings.Repeat("{{a}}", uses)+"', variables: {a: '"+strings.Repeat("x", length)+"'}}")
		_, err := h.Tenant(t.Context(), "acme", Documents{Operator: doc}, testSchemas(t))
		return err
	}
	if err := make(1<<10, 1<<10); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		uses, length int
		want         string
	}{
		// beyond: system prompt
		{1<<10 + 1, 1 << 10, "has 1049600 bytes with its variables; expected at most 1048576"}, {100_000, 500_000, "has 50000000000 bytes"},
	} {
		if err := make(c.uses, c.length); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.300v; want %s", err, c.want)
		}
	}
}

// TestFromMap_bounds: what a program registers has the bounds of any other document.
func TestFromMap_bounds(t *testing.T) {
	list := make([]any, maxValues)
	deep := map[string]any{"b": 1}
	for range maxDepth {
		deep = map[string]any{"a": deep}
	}
	long := map[string]any{"b": 1}
	for range 5 {
		long = map[string]any{strings.Repeat("k", maxKey): long}
	}
	for want, m := range map[string]map[string]any{
		"is beyond the first 10000 keys": {"a": list},
		"is nested too deeply":           deep,
		"a key has 257 bytes":            {strings.Repeat("k", maxKey+1): 1},
		"is below keys of 1280 bytes":    long,
	} {
		if err := FromMap("x", m).problems.err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// TestFormats_values: what one format takes, the others take too: a file is exported as JSON.
func TestFormats_values(t *testing.T) {
	for _, extension := range []string{".hcl", ".yaml"} {
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
	}
}

// TestSecrets_bounds: of a block's secrets there are so many, each is so long, and so are
// all; literals and references count alike, where they are checked and where they are used.
func TestSecrets_bounds(t *testing.T) {
	h, base := secretsHost(t)
	file := filepath.Join(base, "secrets/client-a/long")
	write := func(n int) {
		if err := os.WriteFile(file, []byte(strings.Repeat("s", n)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	headers := func(n int, value string) *Document {
		m := map[string]any{}
		for i := range n {
			m[fmt.Sprint("h", i)] = value
		}
		return FromMap("tenant", map[string]any{"llm": map[string]any{"headers": m}})
	}
	check := func(doc *Document) (*Effective, error) {
		return h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
	}
	write(2_000)
	e, err := check(headers(bounds.BlockSecrets-1, "${file:long}")) // and api_key
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Resolve(e, e.LLM); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		n           int
		value, want string
		size        int
	}{
		// beyond: secrets of a block
		{bounds.BlockSecrets, "12345678", "llm: has 101 secrets; expected at most 100", 1},
		{bounds.BlockSecrets, "${file:long}", "llm: has 101 secrets; expected at most 100", 1},
		{9_000, "${file:long}", "llm: has 9001 secrets; expected at most 100", 1},
		// beyond: bytes of a block's secrets
		{90, "${file:long}", "llm: has secrets of more than 262144 bytes together; expected smaller or fewer ones", 3_000},
		{90, strings.Repeat("s", 3_000), "llm: has secrets of more than 262144 bytes together; expected smaller or fewer ones", 1},
		// beyond: secret
		{1, strings.Repeat("s", maxSecret+1), "llm.headers.h0: is a secret that is too long; expected at most 65536 bytes", 1},
		{1, "${file:long}", "missing secret: the file long has more than 65536 bytes", maxSecret + 1},
	} {
		write(c.size)
		if _, err := check(headers(c.n, c.value)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%.300v; want %s", err, c.want)
		}
	}
	write(3_000) // they have grown since they were checked
	if _, err := h.Resolve(e, e.LLM); err == nil || !strings.Contains(err.Error(), "has secrets of more than 262144 bytes together") {
		t.Errorf("%.300v", err)
	}
}

// TestProblems_bounds: however long what is wrong is, what is said of it is not.
func TestProblems_bounds(t *testing.T) {
	var ps Problems
	for i := range 3 * maxProblems {
		// beyond: problem
		ps = append(ps, Problem{Pos: Pos{File: "f", Line: i}, Message: strings.Repeat("\u20ac", bounds.ProblemBytes), Expected: strings.Repeat("x", bounds.ProblemBytes+1)})
	}
	got := ps.err().(Problems)
	// beyond: problems
	if len(got) != maxProblems+1 || got[maxProblems].Message != "200 more problems follow" {
		t.Errorf("%d problems, and %s", len(got), got[len(got)-1])
	}
	for _, text := range []string{got[0].Message, got[0].Expected} {
		if len(text) > bounds.ProblemBytes || !utf8.ValidString(text) || !strings.HasSuffix(text, "...") {
			t.Errorf("%d bytes that end with %q", len(text), text[len(text)-5:])
		}
	}
	fits := Problems{{Message: strings.Repeat("x", bounds.ProblemBytes)}}.err().(Problems)
	if len(fits[0].Message) != bounds.ProblemBytes || strings.HasSuffix(fits[0].Message, "...") {
		t.Errorf("%d bytes", len(fits[0].Message))
	}
}
