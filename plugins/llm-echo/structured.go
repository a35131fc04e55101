package echo

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// Bounds of the values that the echo makes for a JSON Schema. It refuses a schema that needs more.
const (
	maxDepth  = 32
	maxValues = 10_000
	maxItems  = 100
	maxTypes  = 7     // JSON Schema has no more
	maxRef    = 1_000 // bytes of a reference
	// maxBytes bounds the JSON text of a value. No reply is longer.
	maxBytes = sdk.MaxReplyBytes
	// fullDepth is the depth down to which a value has optional properties and items too.
	fullDepth = 3
)

// structured returns the reply in the response format f. For a JSON object it is {"reply": REPLY}. For
// a JSON Schema it is a value of the schema, in which reply is the first free text. Otherwise it is
// reply itself. A schema that is no JSON object is fault.Invalid, and a schema for which the echo makes
// no value is fault.Unsupported.
func structured(f llm.ResponseFormat, reply string) (string, error) {
	var value any
	switch f.Type {
	case llm.FormatJSONObject:
		value = map[string]any{"reply": reply}
	case llm.FormatJSONSchema:
		var root map[string]any
		if err := json.Unmarshal(f.Schema, &root); err != nil || root == nil {
			return "", atSchema(fault.New(fault.Invalid, "is no JSON Schema, which is a JSON object"))
		}
		m := maker{root: root, reply: reply}
		var err error
		if value, err = m.value(root, 0); err != nil {
			return "", atSchema(fault.New(fault.Unsupported, "the echo makes no value of this schema: %v", err))
		}
	default:
		return reply, nil
	}
	out, err := json.Marshal(value)
	if err != nil {
		return "", atSchema(fault.New(fault.Unsupported, "the echo makes no value of this schema: %v", err))
	}
	return string(out), nil
}

// atSchema returns f with the path of the schema, and blames the caller.
func atSchema(f *fault.Error) error { return f.At("response_format", "schema").By(fault.PartyCaller) }

// maker makes a value of a JSON Schema. Equal schemas get equal values. A maker makes one value.
type maker struct {
	root   map[string]any
	reply  string // the first free text; afterwards empty
	values int    // how many values were made
	bytes  int    // of the texts, the names and the constants in them, also of those that are left out
}

// add counts the bytes of a text or a constant that a value is made of. So the value is refused before
// its text is made. A constant that many references name takes its bytes each time.
func (m *maker) add(v any) error {
	if m.bytes > maxBytes {
		return errTooLong
	}
	text, err := json.Marshal(v)
	if m.bytes += len(text); err == nil && m.bytes > maxBytes {
		err = errTooLong
	}
	return err
}

var errTooLong = fmt.Errorf("it needs a value of more than %d MiB", maxBytes>>20)

// unmade are the keywords that the maker does not keep.
var unmade = []string{"pattern", "not", "if", "contains", "minProperties", "dependentRequired", "dependentSchemas", "propertyNames"}

// value returns a value of the schema. depth is how deep the value is in the whole value, in which the
// top has depth 0.
func (m *maker) value(schema any, depth int) (any, error) {
	if m.values++; depth > maxDepth || m.values > maxValues {
		return nil, fmt.Errorf("it needs a value of more than %d levels or %d values", maxDepth, maxValues)
	}
	s, ok := schema.(map[string]any)
	switch {
	case schema == true:
		return m.text(nil)
	case schema == false:
		return nil, fmt.Errorf("no value is of the schema false")
	case !ok:
		return nil, fmt.Errorf("it has a schema that is neither an object nor true or false")
	}
	for _, word := range unmade {
		if _, ok := s[word]; ok {
			return nil, fmt.Errorf("it has the keyword %q", word)
		}
	}
	if constant, ok := s["const"]; ok {
		return constant, m.add(constant)
	}
	if all, ok := s["enum"].([]any); ok && len(all) > 0 {
		return all[0], m.add(all[0])
	}
	if ref, ok := s["$ref"].(string); ok {
		target, err := m.find(ref)
		if err != nil {
			return nil, err
		}
		return m.value(target, depth+1)
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		if choices, ok := s[word].([]any); ok {
			return m.first(choices, depth)
		}
	}
	if all, ok := s["allOf"].([]any); ok {
		if len(all) != 1 {
			return nil, fmt.Errorf("it has allOf with %d schemas; expected one", len(all))
		}
		return m.value(all[0], depth+1)
	}
	return m.ofType(s, depth)
}

// first returns a value of the first schema for which there is one.
func (m *maker) first(schemas []any, depth int) (v any, err error) {
	err = fmt.Errorf("it has an empty choice")
	for _, s := range schemas {
		if v, err = m.value(s, depth+1); err == nil {
			return v, nil
		}
	}
	return nil, err
}

// find returns the schema to which a reference such as #/$defs/node points.
func (m *maker) find(ref string) (any, error) {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("it refers to %.100q, which is elsewhere", ref)
	}
	if len(ref) > maxRef {
		return nil, fmt.Errorf("it has a reference of more than %d bytes, %.100q", maxRef, ref)
	}
	var at any = m.root
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if path == "" {
			break
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		object, _ := at.(map[string]any)
		if at, ok = object[name]; !ok {
			return nil, fmt.Errorf("it refers to %.100q, which it does not have", ref)
		}
	}
	return at, nil
}

// typeOf returns the type of the schema's values. If the schema allows several types, it is the first
// one that is not null. If it names none, typeOf infers the type from other keywords; the default is
// string.
func typeOf(s map[string]any) string {
	switch t := s["type"].(type) {
	case string:
		return t
	case []any:
		for _, one := range t[:min(len(t), maxTypes)] {
			if name, ok := one.(string); ok && (name != "null" || len(t) == 1) {
				return name
			}
		}
	}
	switch {
	case s["properties"] != nil || s["required"] != nil:
		return "object"
	case s["items"] != nil || s["prefixItems"] != nil:
		return "array"
	}
	return "string"
}

// ofType returns a value of the type that the schema has.
func (m *maker) ofType(s map[string]any, depth int) (any, error) {
	switch t := typeOf(s); t {
	case "object":
		return m.object(s, depth)
	case "array":
		return m.array(s, depth)
	case "string":
		return m.text(s)
	case "number", "integer":
		return number(s, t == "integer")
	case "boolean":
		return true, nil
	case "null":
		return nil, nil
	default:
		return nil, fmt.Errorf("it has the unknown type %.100q", t)
	}
}
