package config

import (
	"math/big"

	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// wording returns the words of the subschema at the location; empty for none.
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

// cursor is a place in a schema: all subschemas that may apply to the value there. It is not
// known which alternatives hold, so that what any of them marks is marked.
type cursor struct {
	schemas  []*jsonschema.Schema
	marks    marks
	authored bool // the author is marked here, and not inherited from what it is in
}

// cursor returns the place of the whole block.
func (s *Schema) cursor() cursor {
	var c cursor
	c.include(s.root)
	return c
}

// include adds a subschema, and all that apply to the same value with it.
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

// key returns the place of a map's key. It reports false if no part of the schema has the key and
// one part allows no others.
func (c cursor) key(name string) (cursor, bool) {
	next := cursor{marks: c.marks} // the marks of a block hold for what is in it
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

// item returns the place of a list's element.
func (c cursor) item(i int) cursor {
	next := cursor{marks: c.marks}
	for _, s := range c.schemas {
		if i < len(s.PrefixItems) {
			next.include(s.PrefixItems[i])
		} else {
			next.include(s.Items2020)
		}
		switch items := s.Items.(type) { // drafts before 2020-12
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

// at returns the place at a path. value is the value at c; it tells lists from maps. The second
// result is that of key.
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

// types returns the JSON types that the value may have; none for any type.
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

// keys returns the names of the properties, sorted.
func (c cursor) keys() []string {
	names := map[string]bool{}
	for _, s := range c.schemas {
		for name := range s.Properties {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// leaves calls visit for each scalar in value, and for empty maps and lists.
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

// transform returns a copy of value with each scalar replaced by what f returns for it.
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

// endpoints returns the values of all keys that are marked as endpoints, by Path.key.
func (s *Schema) endpoints(value any) map[string]any {
	found := map[string]any{}
	s.cursor().leaves(nil, value, func(path Path, value any, m marks) {
		if m.endpoint {
			found[path.key()] = value
		}
	})
	return found
}

// byDefault returns the number that is the default of the key; nil for none.
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
