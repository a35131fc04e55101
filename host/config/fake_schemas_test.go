package config

import (
	"context"
	"maps"
	"slices"
	"testing"
)

// fakeSchemas maps plugin kind and name to a schema, in place of a plugin manager.
type fakeSchemas map[string]map[string]*Schema

func (f fakeSchemas) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if s, ok := f[kind][name]; ok {
		return s, nil
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name, Known: slices.Sorted(maps.Keys(f[kind]))}
}

func compile(t testing.TB, src string) *Schema {
	t.Helper()
	s, err := CompileSchema([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testSchemas(t testing.TB) fakeSchemas {
	return fakeSchemas{
		"llm": {
			"echo": compile(t, `{"type": "object", "additionalProperties": false, "properties": {
				"prefix": {"type": "string", "maxLength": 8}
			}}`),
			"ollama": compile(t, `{"type": "object", "additionalProperties": false, "required": ["model"], "properties": {
				"model": {"type": "string", "minLength": 1},
				"base_url": {"type": "string", "x-botyard-endpoint": true},
				"temperature": {"type": "number", "minimum": 0, "maximum": 2},
				"num_ctx": {"type": "integer", "exclusiveMinimum": 0},
				"stop": {"type": "array", "items": {"type": "string"}, "maxItems": 4, "uniqueItems": true},
				"keep_alive": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
				"mode": {"enum": ["fast", "good"]},
				"stream": {"type": "boolean"},
				"options": {"type": "object", "propertyNames": {"pattern": "^[a-z_]+$"}},
				"tag": {"type": "string", "pattern": "^[a-z]+$"}
			}}`),
			"openai": compile(t, `{"type": "object", "additionalProperties": false, "required": ["model", "api_key"],
				"$defs": {"secret": {"type": "string", "x-botyard-secret": true, "minLength": 8}},
				"properties": {
				"model": {"type": "string"},
				"base_url": {"type": "string", "x-botyard-endpoint": true},
				"api_key": {"$ref": "#/$defs/secret"},
				"mode": {"enum": ["fast", "good"], "x-botyard-secret": true},
				"headers": {"type": "object", "x-botyard-secret": true, "additionalProperties": {"type": ["string", "integer"]}},
				"keys": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
					"name": {"type": "string"}, "value": {"type": "string", "x-botyard-secret": true}}}},
				"user": {"type": "string"},
				"timeout": {"type": "integer"},
				"models": {"type": "object", "additionalProperties": {"type": "integer"}}
			}}`),
		},
		"memory": {
			"buffer": compile(t, `{"type": "object", "additionalProperties": false, "properties": {
				"max_messages": {"type": "integer", "minimum": 1}
			}}`),
			"vector": compile(t, `{"type": "object", "additionalProperties": false, "properties": {
				"top_k": {"type": "integer"}
			}}`),
		},
		"storage": {
			"memory": compile(t, `{"type": "object", "additionalProperties": false, "properties": {}}`),
			"postgres": compile(t, `{"type": "object", "additionalProperties": false, "required": ["connection"], "properties": {
				"connection": {"type": "object", "additionalProperties": false, "required": ["host", "database"], "properties": {
					"host": {"type": "string", "x-botyard-endpoint": true},
					"port": {"type": "integer", "x-botyard-endpoint": true},
					"database": {"type": "string"},
					"user": {"type": "string"},
					"password": {"type": "string", "x-botyard-secret": true}
				}},
				"pool_size": {"type": "integer", "minimum": 1},
				"max_overflow": {"type": "integer", "minimum": 0}
			}}`),
		},
	}
}
