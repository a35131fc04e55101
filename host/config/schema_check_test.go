package config

import (
	"slices"
	"strings"
	"testing"
)

// TestSchema_check checks, for each keyword of JSON Schema, the finding for a value that the
// keyword refuses.
func TestSchema_check(t *testing.T) {
	for _, c := range []struct{ schema, value, want string }{
		{`{"type": "boolean"}`, `1`, "is an integer; true or false"},
		{`{"type": "null"}`, `x`, "is a text; null"},
		{`{"type": ["string", "null"]}`, `[]`, "is a list; null or a text"},
		{`{"type": "string"}`, `~`, "is null; a text"},
		{`{"type": "integer"}`, `1.5`, "is a number with a fraction; an integer"},
		{`{"enum": ["a", 1]}`, `b`, `is "b"; one of "a", 1`},
		{`{"type": "string", "enum": ["a", "b"]}`, `1`, `is 1; one of "a", "b"`},
		{`{"const": "a"}`, `{a: b}`, `is {"a":"b"}; "a"`},
		{`{"enum": ["a"]}`, `"` + strings.Repeat("x", 99) + `"`, `is not accepted; "a"`},
		{`{"minimum": 0.5}`, `0`, "is 0; at least 0.5"},
		{`{"maximum": 5}`, `6`, "is 6; at most 5"},
		{`{"exclusiveMinimum": 0}`, `0`, "is 0; more than 0"},
		{`{"exclusiveMaximum": 1}`, `1`, "is 1; less than 1"},
		{`{"multipleOf": 2}`, `3`, "is 3; a multiple of 2"},
		{`{"minLength": 3}`, `ab`, "has 2 characters; at least 3"},
		{`{"maxLength": 1}`, `ab`, "has 2 characters; at most 1"},
		{`{"minItems": 1}`, `[]`, "has 0 elements; at least 1"},
		{`{"maxItems": 1}`, `[1, 2]`, "has 2 elements; at most 1"},
		{`{"minProperties": 1}`, `{}`, "has 0 keys; at least 1"},
		{`{"maxProperties": 0}`, `{a: 1}`, "has 1 keys; at most 0"},
		{`{"pattern": "^a$"}`, `b`, `is "b"; a text that matches ^a$`},
		{`{"pattern": "^a$", "x-botyard-expected": "an a"}`, `b`, `is "b"; an a`},
		{`{"x-botyard-secret": true, "pattern": "^a$", "x-botyard-expected": "an a"}`, `hunter2`, "is not accepted; an a"},
		{`{"allOf": [{"pattern": "^a", "x-botyard-expected": "an a in front"}, {"pattern": "a$", "x-botyard-expected": "an a at the end"}]}`, `ab`, `is "ab"; an a at the end`},
		{`{"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"pattern": "^a", "x-botyard-expected": "an a"}}}`, `{a: b}`, `a: is "b"; an a`},
		{`{"maximum": 5, "x-botyard-expected": "what a hand has"}`, `6`, "is 6; at most 5, what a hand has"},
		{`{"maxLength": 1, "x-botyard-expected": "an a"}`, `ab`, "has 2 characters; at most 1"},
		{`{"not": {"const": "b"}, "x-botyard-expected": "an a"}`, `b`, "is not accepted by its schema; an a"},
		{`{"not": {"type": "string"}}`, `b`, "is not accepted by its schema; "},
		{`{"contains": {"const": 1}}`, `[2]`, `does not meet "contains" of its schema; `},
		{`{"required": ["b", "a"]}`, `{}`, "a: is required; |b: is required; "},
		{`{"dependentRequired": {"a": ["b"]}, "properties": {"b": {"type": "integer"}}}`, `{a: 1}`, `b: is required beside "a"; an integer`},
		{`{"properties": {"a": {}}, "unevaluatedProperties": false}`, `{a: 1, b: 2}`, "b: unknown key; a"},
		{`{"properties": {"a": false}}`, `{a: 1}`, "a: is not allowed; "},
		{`false`, `{a: 1}`, "is not allowed; "},
		{`{"additionalProperties": false}`, `{a: 1}`, "a: unknown key; "},
		{`{"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "object", "required": ["a"]}]}`, `{b: 1}`, "a: is required; "},
		{`{"anyOf": [{"type": "string"}, {"minimum": 3}]}`, `1`, "is 1; at least 3"},
		{`{"oneOf": [{"type": "string"}, {"type": "array"}]}`, `1`, "is an integer; a text or a list"},
		{`{"oneOf": [{"type": "string"}, {"minLength": 1}]}`, `x`, "fits more than one of the alternatives of its schema; exactly one"},
		{`{"allOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{}`, "a: is required; |b: is required; "},
		{`{"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}}`, `{a: 1}`, "b: is required; "},
		{`{"$ref": "#/$defs/x", "$defs": {"x": {"items": {"type": "integer"}}}}`, `[1, x, 2, y]`, "1: is a text; an integer|3: is a text; an integer"},
		{`{"x-botyard-secret": true, "pattern": "^a$"}`, `hunter2`, "is not accepted; a text that matches ^a$"},
		{`{"x-botyard-secret": true, "const": "a"}`, `hunter2`, `is not accepted; "a"`},
		{`{"x-botyard-secret": true, "maxLength": 2}`, `hunter2`, "is too long; at most 2 characters"},
		{`{"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}], "additionalItems": {"type": "string"}}`, `[x, 1]`, "0: is a text; an integer|1: is an integer; a text, in quotes"},
	} {
		t.Run(c.schema, func(t *testing.T) {
			value := yamlDoc(t, "v: "+c.value).Values()["v"]
			var got []string
			for _, f := range compile(t, c.schema).check(value) {
				text := f.message + "; " + f.expected
				if len(f.path) > 0 {
					text = f.path.String() + ": " + text
				}
				got = append(got, text)
			}
			slices.Sort(got)
			if g := strings.Join(got, "|"); g != c.want {
				t.Errorf("%s of %s gives\n%s\nwant\n%s", c.schema, c.value, g, c.want)
			}
		})
	}
}
