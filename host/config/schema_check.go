package config

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// finding is one mistake that a schema found in a value.
type finding struct {
	path              Path // path of the wrong value, or of the unknown or missing key
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

// check returns all mistakes that the schema finds in a value. No finding contains the value of a
// secret key.
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

// checker collects the findings of one value.
type checker struct {
	schema   *Schema
	value    any
	findings []finding
	// alternative is true while the checker examines one of several subschemas, such as in anyOf.
	alternative bool
	names       map[string]string // maps a key that propertyNames refuses to the expected words
}

func (c *checker) add(path Path, kind findingKind, message, expected string) {
	c.findings = append(c.findings, finding{path, kind, message, expected})
}

// valueAt returns the value at path.
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

// collect converts an error of the jsonschema library into findings.
func (c *checker) collect(e *jsonschema.ValidationError) {
	c.visit(e)
	if len(c.names) > 0 {
		c.refusedNames(c.schema.cursor(), c.value, nil)
	}
}

// maxFindings is the maximum number of findings for one value. It is far above the number of
// problems in a report.
const maxFindings = 10 * maxProblems

// visit converts one error of the jsonschema library, and the causes of the error, into findings.
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
				// The key is refused by "unevaluatedProperties": false.
				c.unknown(path[:len(path)-1], parent, path[len(path)-1:])
				return
			}
		}
		c.add(path, wrongValue, "is not allowed", "")
	case *kind.Required:
		c.missing(path, at, k.Missing, "")
	case *kind.Type:
		if choices := at.choices(e.SchemaURL); choices != "" {
			c.add(path, wrongType, "is "+at.marks.display(c.valueAt(path)), choices)
			return
		}
		c.add(path, wrongType, "is "+typeWord(c.valueAt(path)), typeWords(k.Want)+c.quoting(path, k.Want))
	case *kind.PropertyNames:
		// Only the expected part is taken from the cause, because the value in the cause is the
		// name of the key.
		expected := ""
		if len(e.Causes) > 0 {
			_, expected = marks{}.constraint(e.Causes[0].ErrorKind, "")
		}
		if c.names == nil {
			c.names = map[string]string{}
		}
		c.names[k.Property] = expected
	default:
		message, expected := at.marks.constraint(k, at.marks.display(c.valueAt(path)))
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

// refusedNames adds a finding for each key whose name a propertyNames schema refuses. It searches
// the value for the keys, because the library later overwrites the memory of the path in this
// kind of error.
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

// alternatives adds the findings for a value that fits no alternative of anyOf or oneOf. If the
// alternatives differ only in the type, the finding lists all types. Otherwise alternatives takes
// the findings of the alternative with the fewest findings, which was probably the intended one.
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
