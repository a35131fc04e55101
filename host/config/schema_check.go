package config

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// finding is what a schema has against a value.
type finding struct {
	path              Path // of the value or, for an unknown or missing key, of that key
	kind              findingKind
	message, expected string
}

type findingKind uint8

const (
	wrongValue findingKind = iota
	wrongType
	unknownKey
	missingKey
)

// check gives everything that the schema has against value. No finding contains
// a value of a secret key.
func (s *Schema) check(value any) []finding {
	err := s.root.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []finding{{message: "cannot be checked against its schema"}}
	}
	c := checker{schema: s, value: value}
	c.collect(invalid)
	return c.findings
}

type checker struct {
	schema   *Schema
	value    any
	findings []finding
	// alternative: what it finds is of one of several schemas, and is listed with theirs.
	alternative bool
	names       map[string]string // that a schema refuses for a key, with what it expects
}

func (c *checker) add(path Path, kind findingKind, message, expected string) {
	c.findings = append(c.findings, finding{path, kind, message, expected})
}

// got is the value at path.
func (c *checker) valueAt(path Path) any {
	v := c.value
	for _, segment := range path {
		switch t := v.(type) {
		case map[string]any:
			v = t[segment]
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(t) {
				return nil
			}
			v = t[i]
		}
	}
	return v
}

// word makes the findings of what the library found.
func (c *checker) collect(e *jsonschema.ValidationError) {
	c.visit(e)
	if len(c.names) > 0 {
		c.refusedNames(c.schema.cursor(), c.value, nil)
	}
}

// maxFindings ends the wording of what a schema refuses: more is never said.
const maxFindings = 10 * maxProblems

func (c *checker) visit(e *jsonschema.ValidationError) {
	if len(c.findings) >= maxFindings {
		return
	}
	path := Path(e.InstanceLocation)
	at, _ := c.schema.cursor().at(path, c.value)
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf, *kind.DependentRequired, *kind.Dependency:
		if k, ok := k.(*kind.DependentRequired); ok {
			c.missing(path, at, k.Missing, " beside "+strconv.Quote(k.Prop))
		}
		for _, cause := range e.Causes {
			c.visit(cause)
		}
	case *kind.AnyOf, *kind.OneOf:
		c.alternatives(path, e.Causes)
	case *kind.AdditionalProperties:
		c.unknown(path, at, k.Properties)
	case *kind.FalseSchema:
		if len(path) > 0 {
			parent, _ := c.schema.cursor().at(path[:len(path)-1], c.value)
			if !slices.Contains(parent.keys(), path[len(path)-1]) {
				// What unevaluatedProperties: false does to a key.
				c.unknown(path[:len(path)-1], parent, path[len(path)-1:])
				return
			}
		}
		c.add(path, wrongValue, "is not allowed", "")
	case *kind.Required:
		c.missing(path, at, k.Missing, "")
	case *kind.Type:
		if choices := at.choices(e.SchemaURL); choices != "" {
			c.add(path, wrongType, "is "+display(c.valueAt(path), at.marks.secret), choices)
			return
		}
		c.add(path, wrongType, "is "+typeWord(c.valueAt(path)), typeWords(k.Want)+c.quoting(path, k.Want))
	case *kind.PropertyNames:
		// Of the cause only what it wants: it has the key for a value.
		expected := ""
		if len(e.Causes) > 0 {
			_, expected = constraint(e.Causes[0].ErrorKind, "", false)
		}
		if c.names == nil {
			c.names = map[string]string{}
		}
		c.names[k.Property] = expected
	default:
		message, expected := constraint(k, display(c.valueAt(path), at.marks.secret), at.marks.secret)
		if words := at.expectedWords(e.SchemaURL); words != "" {
			switch k.(type) {
			case *kind.Maximum:
				expected += ", " + words
			case *kind.Pattern:
				expected = words
			default:
				expected = cmp.Or(expected, words)
			}
		}
		c.add(path, wrongValue, message, expected)
	}
}

// refusedNames finds the maps whose schema refuses one of the names for a key. The
// library gives no reliable path with this one error: its slice is overwritten later.
func (c *checker) refusedNames(at cursor, value any, path Path) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			if len(c.findings) >= maxFindings {
				return
			}
			expected, refused := c.names[key]
			if refused && slices.ContainsFunc(at.schemas, func(s *jsonschema.Schema) bool {
				return s.PropertyNames != nil && s.PropertyNames.Validate(key) != nil
			}) {
				c.add(path.with(key), wrongValue, "is not an accepted name", expected)
			}
			next, _ := at.key(key)
			c.refusedNames(next, item, path.with(key))
		}
	case []any:
		for i, item := range v {
			c.refusedNames(at.item(i), item, path.with(strconv.Itoa(i)))
		}
	}
}

func (c *checker) unknown(path Path, at cursor, names []string) {
	known := at.keys()
	for _, name := range names[:min(len(names), maxFindings)] {
		message, expected := unknown("unknown key", name, known)
		c.add(path.with(name), unknownKey, message, expected)
	}
}

func (c *checker) missing(path Path, at cursor, names []string, why string) {
	for _, name := range names {
		next, _ := at.key(name)
		c.add(path.with(name), missingKey, "is required"+why, typeWords(next.types()))
	}
}

// alternatives words a value that fits none of some subschemas: where they differ
// in the type alone, with all types; else with the findings of the alternative
// that has the fewest, which is likely the one that was meant.
func (c *checker) alternatives(path Path, causes []*jsonschema.ValidationError) {
	var types []string
	var best []finding
	for _, cause := range causes {
		sub := checker{schema: c.schema, value: c.value, alternative: true}
		sub.collect(cause)
		if len(sub.findings) == 1 && sub.findings[0].kind == wrongType && slices.Equal(sub.findings[0].path, path) {
			types = append(types, sub.findings[0].expected)
			continue
		}
		if best == nil || len(sub.findings) < len(best) {
			best = sub.findings
		}
	}
	switch {
	case best != nil:
		c.findings = append(c.findings, best...)
	case types != nil:
		c.add(path, wrongType, "is "+typeWord(c.valueAt(path)), list(types, "or"))
	default:
		c.add(path, wrongValue, "fits more than one of the alternatives of its schema", "exactly one")
	}
}
