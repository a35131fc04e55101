package config

import "fmt"

// problem returns a problem of the key at path, with the position where a layer set the key. path
// begins at the root of the merge.
func (s *layers) problem(path Path, message, expected string) Problem {
	return problemAt(s.provenance.nearest(path), path, message, expected)
}

func problemAt(o provenance, path Path, message, expected string) Problem {
	return Problem{Pos: o.pos, Path: o.prefix.with(path...), Message: message, Expected: expected}
}

// schemaProblems converts the findings of a schema into problems with positions. at is the path
// of the checked value.
func (s *layers) schemaProblems(at Path, findings []finding) Problems {
	var problems Problems
	for _, f := range findings {
		path := at.with(f.path...)
		if p := s.provenance.find(path); p != nil && p.dropped != nil && f.kind == missingKey {
			why, o := p.dropped, s.provenance.nearest(path)
			o.pos = why.pos
			problems = append(problems, problemAt(o, path, fmt.Sprintf(
				"is required, and the inherited secret was dropped because the %s changed `%s`", why.layer, why.endpoint),
				fmt.Sprintf("a secret of its own from whoever changes `%s`", why.endpoint)))
			continue
		}
		if f.kind == unknownKey {
			f.message, f.expected = s.unknownKey(path, f.message, f.expected)
		}
		problems = append(problems, s.problem(path, f.message, f.expected))
	}
	return problems
}

// unknownNulls returns a problem for each null whose key is not in the schema. Such a null
// removes nothing, so its key is probably misspelt. Paths for which skip returns true are left
// out.
func (s *layers) unknownNulls(at Path, schema *Schema, value any, skip func(Path) bool) Problems {
	var problems Problems
	root := s.provenance.find(at)
	if root == nil {
		return nil
	}
	root.each(nil, func(rest Path, p *provenanceTree) {
		if p.removed == nil || len(rest) == 0 || len(problems) >= maxFindings || skip != nil && skip(rest) {
			return
		}
		// If a key above is unknown, that key is already reported.
		parent, ok := schema.cursor().at(rest[:len(rest)-1], value)
		if !ok {
			return
		}
		if _, ok := parent.key(rest[len(rest)-1]); !ok {
			message, expected := unknown("unknown key", rest[len(rest)-1], parent.keys())
			message, expected = s.unknownKey(at.with(rest...), message, expected)
			problems = append(problems, problemAt(*p.removed, at.with(rest...), message, expected))
		}
	})
	return problems
}
