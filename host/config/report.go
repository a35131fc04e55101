package config

import (
	"fmt"
	"slices"
	"strings"
)

// locate gives the origin of the key at path, or of the nearest one above it. For
// a key that is not there this is the null that removed it, if one did.
func (s *stack) locate(path Path) origin {
	for i := len(path); i > 0; i-- {
		key := path[:i].key()
		if o, ok := s.origins[key]; ok {
			return o
		}
		if o, ok := s.removed[key]; ok {
			return o
		}
	}
	return s.origins[""]
}

// problem is one at path, which is from the root of this stack.
func (s *stack) problem(path Path, message, expected string) Problem {
	return problemAt(s.locate(path), path, message, expected)
}

func problemAt(o origin, path Path, message, expected string) Problem {
	return Problem{Pos: o.pos, Path: o.prefix.with(path...), Message: message, Expected: expected}
}

// report makes problems of what a schema found in the value at path.
func (s *stack) report(at Path, findings []finding) Problems {
	var problems Problems
	for _, f := range findings {
		path := at.with(f.path...)
		if why, ok := s.fallen[path.key()]; ok && f.kind == missingKey {
			o := s.locate(path)
			o.pos = why.pos
			problems = append(problems, problemAt(o, path, fmt.Sprintf(
				"is required, and the inherited secret fell away because the %s changed `%s`", why.layer, why.endpoint),
				fmt.Sprintf("a secret of its own from whoever changes `%s`", why.endpoint)))
			continue
		}
		problems = append(problems, s.problem(path, f.message, f.expected))
	}
	return problems
}

// removedUnknown finds nulls of keys that no schema knows: a null that removes
// nothing because its key is misspelt is a mistake as any other such key is.
func (s *stack) removedUnknown(at Path, schema *Schema, value any, skip func(Path) bool) Problems {
	var problems Problems
	for key, o := range s.removed {
		path := Path(strings.Split(key, separator))
		if len(path) <= len(at) || !slices.Equal(path[:len(at)], at) {
			continue
		}
		rest := path[len(at):]
		if skip != nil && skip(rest) {
			continue
		}
		// One unknown key above it is reported already.
		parent, ok := schema.cursor().at(rest[:len(rest)-1], value)
		if !ok {
			continue
		}
		if _, ok := parent.key(rest[len(rest)-1]); !ok {
			message, expected := unknown("unknown key", rest[len(rest)-1], parent.keys())
			problems = append(problems, problemAt(o, path, message, expected))
		}
	}
	return problems
}
