package config

// TextKey is a key of a schema whose value may be a text.
type TextKey struct {
	Path     Path
	Endpoint bool // the value says where secrets are sent
}

// maxProbedDepth bounds how deep TextKeys looks into maps of maps.
const maxProbedDepth = 4

// TextKeys returns the keys that the schema lists and that may have a text, also those in maps. It
// leaves out those in lists and in nested blocks.
func (s *Schema) TextKeys() []TextKey {
	var found []TextKey
	var look func(c cursor, at Path)
	look = func(c cursor, at Path) {
		for _, name := range c.keys() {
			if len(at) == 0 && s.nested[name] != nil {
				continue
			}
			next, _ := c.key(name)
			path := at.with(name)
			for _, t := range next.types() {
				switch {
				case t == "string":
					found = append(found, TextKey{path, next.marks.endpoint})
				case t == "object" && len(path) < maxProbedDepth:
					look(next, path)
				}
			}
		}
	}
	look(s.cursor(), nil)
	return found
}

// Accepts reports whether a plugin's configuration passes the schema.
func (s *Schema) Accepts(config map[string]any) bool { return len(s.check(config)) == 0 }

// Has reports whether the path names something that a configuration may have by the schema. config
// tells lists from maps.
func (s *Schema) Has(path Path, config map[string]any) bool {
	_, ok := s.cursor().at(path, config)
	return ok
}
