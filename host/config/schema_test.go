package config

import (
	"strings"
	"testing"
)

func TestCompileSchema_refuses(t *testing.T) {
	for src, want := range map[string]string{
		``:                                  "EOF",
		`{"type": "text"}`:                  "type",
		`{"$ref": "file:///etc/passwd"}`:    "may not refer to file:///etc/passwd",
		`{"$ref": "https://evil.example/"}`: "may not refer to https://evil.example/",
		`{"$schema": "https://evil.example/meta"}`:            "may not refer to",
		`{"properties": {"a": {"x-botyard-secret": "true"}}}`: "x-botyard-secret must be true or false",
		`{"properties": {"a": {"x-botyard-endpoint": 1}}}`:    "x-botyard-endpoint must be true or false",
		`{"properties": {"a": {"pattern": "("}}}`:             "pattern",
		`"` + strings.Repeat("x", maxSize) + `"`:              "more than 1048576",
	} {
		t.Run(want, func(t *testing.T) {
			if _, err := CompileSchema([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.60s: %v, want %q", src, err, want)
			}
		})
	}
}

// TestSchema_marksAnywhere checks that a mark is found in every keyword that can contain a
// subschema.
func TestSchema_marksAnywhere(t *testing.T) {
	s := compile(t, `{"$defs": {"node": {"properties": {"s": {"x-botyard-secret": true}, "next": {"$ref": "#/$defs/node"}}}},
		"allOf": [{"properties": {"all": {"x-botyard-secret": true}}}],
		"anyOf": [{"properties": {"any": {"x-botyard-secret": true}}}, {}],
		"oneOf": [{"properties": {"one": {"x-botyard-secret": true}}}],
		"if": {}, "then": {"properties": {"then": {"x-botyard-secret": true}}}, "else": {"properties": {"else": {"x-botyard-secret": true}}},
		"dependentSchemas": {"x": {"properties": {"dependent": {"x-botyard-secret": true}}}},
		"patternProperties": {"^p_": {"x-botyard-secret": true}},
		"properties": {
			"plain": {"x-botyard-secret": false},
			"node": {"$ref": "#/$defs/node"},
			"tuple": {"prefixItems": [{}, {"x-botyard-secret": true}], "items": {"$ref": "#/$defs/node"}},
			"map": {"additionalProperties": {"x-botyard-secret": true}},
			"rest": {"unevaluatedProperties": {"x-botyard-secret": true}},
			"deep": {"x-botyard-secret": true, "properties": {"a": {"items": {"type": "string"}}}}
		}}`)
	value := yamlDoc(t, `{all: S, any: S, one: S, then: S, else: S, dependent: S, p_x: S, plain: p,
		node: {s: S, next: {s: S, next: {x: p, s: S}}}, tuple: [p, S, {s: S, t: p}], map: {a: S, b: S}, rest: {a: S}, deep: {a: [S], b: {c: S}}}`).Values()
	count := 0
	s.cursor().leaves(nil, value, func(path Path, value any, m marks) {
		count++
		if want := value == "S"; m.secret != want {
			t.Errorf("%s: secret is %t, want %t", path, m.secret, want)
		}
	})
	if count != 21 {
		t.Errorf("%d leaves", count)
	}
}
