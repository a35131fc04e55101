package config

import (
	"slices"
)

// typeTexts replaces each envText below at by a value of the type that the schema gives to its
// key. tree is the whole tree, and path is the path of at in tree.
func (s *layers) typeTexts(tree, at map[string]any, path Path) {
	for name, value := range at {
		switch v := value.(type) {
		case map[string]any:
			s.typeTexts(tree, v, path.with(name))
		case envText:
			at[name] = v.typed(s.typesOf(tree, path.with(name)))
		}
	}
}

// typesOf returns the JSON types that the schema allows for the key at path. An empty result
// means any type.
func (s *layers) typesOf(tree map[string]any, path Path) []string {
	if len(path) <= len(s.root) || !slices.Equal(path[:len(s.root)], s.root) {
		at, _ := hostSchema().cursor().at(path, nil)
		return at.types()
	}
	path = path[len(s.root):]
	if b, ok := blockAt(s.pluginBlocks(tree), path); ok && len(path) > len(b.path) && !b.isHosts(path[len(b.path)]) {
		schema, _ := s.schema(b, plainText(s.block(b, tree)[b.selector]))
		if schema == nil {
			return []string{"string"}
		}
		at, _ := schema.cursor().at(path[len(b.path):], nil)
		return at.types()
	}
	if b, ok := blockAt(s.pluginBlocks(tree), path); ok && b.role != "" {
		return []string{"string"} // the selector of a nested block
	}
	at, _ := tenantSchema().cursor().at(path, nil)
	return at.types()
}

// envText is the text of an environment variable before typeTexts has converted it to the type of
// its key.
type envText string

// typed returns the text as a value of one of the JSON types. Empty types allow any type. If the
// text fits none of the types, typed returns it as a string, and the schema check reports the
// wrong type.
func (t envText) typed(types []string) any {
	may := func(names ...string) bool {
		return len(types) == 0 || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(types, n) })
	}
	text := string(t)
	if may("boolean") && (text == "true" || text == "false") {
		return text == "true"
	}
	if may("integer", "number") {
		if number, bad := decimal(text); bad == "" {
			return number
		}
	}
	return text
}
