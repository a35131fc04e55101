package config

import (
	"math/big"

	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// expectedWords returns the text that the subschema at the location has about the expected value,
// or "" if it has none.
func (c cursor) expectedWords(location string) string {
	for _, s := range c.schemas {
		for _, ext := range s.Extensions {
			if w, ok := ext.(expectedWords); ok && s.Location == location {
				return string(w)
			}
		}
	}
	return ""
}

// cursor is a position in a schema. It has all subschemas that may apply to the value there. A
// cursor does not know which alternatives of anyOf and oneOf match, so a mark in any alternative
// counts.
type cursor struct {
	schemas  []*jsonschema.Schema
	marks    marks
	authored bool // whether the author mark stands at this key and is not inherited from a key above
}

// cursor returns the position of the whole block.
func (s *Schema) cursor() cursor {
	var c cursor
	c.include(s.root)
	return c
}

// include adds a subschema, and all subschemas that apply together with it to the same value.
func (c *cursor) include(s *jsonschema.Schema) {
	if s == nil || slices.Contains(c.schemas, s) {
		return
	}
	c.schemas = append(c.schemas, s)
	for _, ext := range s.Extensions {
		if m, ok := ext.(marks); ok {
			c.marks.secret = c.marks.secret || m.secret
			c.marks.endpoint = c.marks.endpoint || m.endpoint
			c.marks.address = c.marks.address || m.address
			if m.author != byUnmarked && (!c.authored || m.author > c.marks.author) {
				c.marks.author, c.authored = m.author, true
			}
			c.marks.zeroUnlimited = c.marks.zeroUnlimited || m.zeroUnlimited
		}
	}
	c.include(s.Ref)
	c.include(s.RecursiveRef)
	if s.DynamicRef != nil {
		c.include(s.DynamicRef.Ref)
	}
	for _, group := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, {s.If, s.Then, s.Else}} {
		for _, sub := range group {
			c.include(sub)
		}
	}
	for _, sub := range s.DependentSchemas {
		c.include(sub)
	}
	for _, dependency := range s.Dependencies {
		if sub, ok := dependency.(*jsonschema.Schema); ok {
			c.include(sub)
		}
	}
}

// key returns the position of a key in a map. It returns false if no subschema knows the key and
// at least one subschema forbids unknown keys.
func (c cursor) key(name string) (cursor, bool) {
	next := cursor{marks: c.marks} // marks also apply to everything inside a map
	known, closed := false, false
	for _, s := range c.schemas {
		matched := false
		if sub, ok := s.Properties[name]; ok {
			matched = true
			next.include(sub)
		}
		for pattern, sub := range s.PatternProperties {
			if pattern.MatchString(name) {
				matched = true
				next.include(sub)
			}
		}
		known = known || matched
		if matched {
			continue
		}
		for _, other := range []any{s.AdditionalProperties, s.UnevaluatedProperties} {
			switch o := other.(type) {
			case bool:
				closed = closed || !o
			case *jsonschema.Schema:
				if o == nil {
					continue
				}
				if o.Bool != nil {
					closed = closed || !*o.Bool
					continue
				}
				known = true
				next.include(o)
			}
		}
	}
	return next, known || !closed
}

// item returns the position of element i of a list.
func (c cursor) item(i int) cursor {
	next := cursor{marks: c.marks}
	for _, s := range c.schemas {
		if i < len(s.PrefixItems) {
			next.include(s.PrefixItems[i])
		} else {
			next.include(s.Items2020)
		}
		switch items := s.Items.(type) { // for schemas of drafts before 2020-12
		case *jsonschema.Schema:
			next.include(items)
		case []*jsonschema.Schema:
			if i < len(items) {
				next.include(items[i])
			} else if more, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
				next.include(more)
			}
		}
		next.include(s.UnevaluatedItems)
		next.include(s.Contains)
	}
	return next
}

// at returns the position at path below c. value is the value at c, by which at tells lists from
// maps. at returns false if key does so for a segment, or if a list has a segment that is not a
// number.
func (c cursor) at(path Path, value any) (cursor, bool) {
	for _, segment := range path {
		if l, ok := value.([]any); ok {
			i, err := strconv.Atoi(segment)
			if err != nil {
				return cursor{}, false
			}
			c, value = c.item(i), nil
			if i < len(l) {
				value = l[i]
			}
			continue
		}
		next, ok := c.key(segment)
		if !ok {
			return next, false
		}
		m, _ := value.(map[string]any)
		c, value = next, m[segment]
	}
	return c, true
}

// types returns the JSON types that the value may have. An empty result means any type.
func (c cursor) types() []string {
	var types []string
	for _, s := range c.schemas {
		if s.Types == nil {
			continue
		}
		for _, t := range s.Types.ToStrings() {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	return types
}

// keys returns the names of the properties that the schema lists, sorted.
func (c cursor) keys() []string {
	names := map[string]bool{}
	for _, s := range c.schemas {
		for name := range s.Properties {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// leaves calls visit for each scalar inside value, and for each empty map and list.
func (c cursor) leaves(path Path, value any, visit func(path Path, value any, m marks)) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			next, _ := c.key(key)
			next.leaves(path.with(key), v[key], visit)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, item := range v {
			c.item(i).leaves(path.with(strconv.Itoa(i)), item, visit)
		}
		if len(v) > 0 {
			return
		}
	}
	visit(path, value, c.marks)
}

// transform returns a copy of value in which each scalar is replaced by the result of f.
func (c cursor) transform(value any, path Path, f func(path Path, value any, m marks) any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			next, _ := c.key(key)
			out[key] = next.transform(item, path.with(key), f)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = c.item(i).transform(item, path.with(strconv.Itoa(i)), f)
		}
		return out
	}
	return f(path, value, c.marks)
}

// endpoints returns the values of all keys of a configuration that are marked as endpoints, by
// Path.key. It leaves out nested blocks.
func (s *Schema) endpoints(config map[string]any) map[string]any {
	found := map[string]any{}
	s.cursor().leaves(nil, s.own(config), func(path Path, value any, m marks) {
		if m.endpoint {
			found[path.key()] = value
		}
	})
	return found
}

// byDefault returns the default of the key if it is a number, and otherwise nil.
func (c cursor) byDefault() any {
	for _, s := range c.schemas {
		if s.Default == nil {
			continue
		}
		if number, ok := new(big.Rat).SetString(fmt.Sprint(*s.Default)); ok {
			f, _ := number.Float64()
			value, _ := normalFloat(f)
			return value
		}
	}
	return nil
}
