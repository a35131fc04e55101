package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	sdkschema "github.com/botyard/botyard/sdk/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The roles of nested plugin blocks. A role says which host service calls the nested plugin.
const (
	RoleEmbedding = "embedding" // the nested llm plugin embeds texts
	RoleLLM       = "llm"       // the nested llm plugin generates text
)

// nestedKinds maps each role to the kind of its plugin.
var nestedKinds = map[string]string{RoleEmbedding: "llm", RoleLLM: "llm"}

// nestingKinds lists the kinds of plugins that may have nested plugin blocks. No plugin of these
// kinds can be nested itself. So a call of one plugin waits for calls of other kinds only, and
// calls that wait for each other in a circle are impossible.
var nestingKinds = []string{"memory", "knowledge"}

// nestedMark is the mark of a property that is a nested plugin block.
type nestedMark struct{ kind, role string }

// Validate implements jsonschema.SchemaExt. It accepts every value, because the schema of the
// nested plugin checks the block.
func (*nestedMark) Validate(*jsonschema.ValidatorContext, any) {}

// nestedCompiler reads the marks of nested plugin blocks, and counts the marks.
type nestedCompiler struct{ marks int }

func (n *nestedCompiler) compile(_ *jsonschema.CompilerContext, obj map[string]any) (jsonschema.SchemaExt, error) {
	kind, hasKind := obj[sdkschema.PluginKeyword]
	role, hasRole := obj[sdkschema.RoleKeyword]
	if !hasKind && !hasRole {
		return nil, nil
	}
	m := &nestedMark{}
	m.kind, _ = kind.(string)
	m.role, _ = role.(string)
	if want, ok := nestedKinds[m.role]; !ok || m.kind != want {
		return nil, fmt.Errorf("%s %v with %s %v is no nested plugin block; expected %s", sdkschema.PluginKeyword, kind, sdkschema.RoleKeyword, role, oneOfRoles())
	}
	n.marks++
	return m, nil
}

// oneOfRoles returns the pairs of kind and role that a nested block may have, for messages.
func oneOfRoles() string {
	text := ""
	for i, role := range slices.Sorted(maps.Keys(nestedKinds)) {
		if i > 0 {
			text += " or "
		}
		text += fmt.Sprintf("%q with %q", nestedKinds[role], role)
	}
	return text
}

// nestedOf returns the marks of the nested plugin blocks of a schema, by key. It returns an error
// if a mark is at another place than a key at the top of the configuration, or if a role has two
// blocks.
func nestedOf(s *Schema, marked int) (map[string]*nestedMark, error) {
	out := map[string]*nestedMark{}
	roles := map[string]string{}
	found := map[*nestedMark]bool{}
	for _, key := range s.cursor().keys() {
		at, _ := s.cursor().key(key)
		for _, sub := range at.schemas {
			for _, ext := range sub.Extensions {
				m, ok := ext.(*nestedMark)
				if !ok {
					continue
				}
				found[m] = true
				if other, taken := roles[m.role]; taken && other != key || out[key] != nil && *out[key] != *m {
					return nil, fmt.Errorf("the role %q has two nested plugin blocks", m.role)
				}
				roles[m.role], out[key] = key, m
			}
		}
	}
	if len(found) != marked {
		return nil, errors.New("a nested plugin block must be a property at the top of the configuration")
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// nested returns the nested blocks of a block whose plugin has the schema, sorted by key.
func (b block) nested(schema *Schema) []block {
	if schema == nil || len(schema.nested) == 0 {
		return nil
	}
	out := make([]block, 0, len(schema.nested))
	for _, key := range slices.Sorted(maps.Keys(schema.nested)) {
		m := schema.nested[key]
		i := slices.IndexFunc(blocks, func(b block) bool { return b.kind == m.kind })
		out = append(out, block{path: b.path.with(key), kind: m.kind, selector: blocks[i].selector, role: m.role})
	}
	return out
}

// own returns config without the nested blocks. It does not modify config.
func (s *Schema) own(config map[string]any) map[string]any {
	if len(s.nested) == 0 {
		return config
	}
	config = maps.Clone(config)
	maps.DeleteFunc(config, func(key string, _ any) bool { return s.nested[key] != nil })
	return config
}

// withEmptyNested returns config with an empty map in place of each nested block that is a map. It
// does not modify config.
func (s *Schema) withEmptyNested(config map[string]any) map[string]any {
	if len(s.nested) == 0 {
		return config
	}
	config = maps.Clone(config)
	for key := range s.nested {
		if _, isMap := config[key].(map[string]any); isMap {
			config[key] = map[string]any{}
		}
	}
	return config
}

// pluginBlocks returns the blocks of a tenant's configuration, and after them the fallback blocks and
// the nested blocks that the tree has.
func (s *layers) pluginBlocks(tree map[string]any) []block {
	all := slices.Clone(blocks)
	for i := 0; i < len(all); i++ {
		config := s.block(all[i], tree)
		all = append(all, all[i].fallbacks(config)...)
		schema, _ := s.schema(all[i], plainText(config[all[i].selector]))
		for _, n := range all[i].nested(schema) {
			if config[n.path[len(n.path)-1]] != nil {
				all = append(all, n)
			}
		}
	}
	return all
}

// blockAt returns the block with the longest path that is path or above path.
func blockAt(all []block, path Path) (block, bool) {
	var found block
	ok := false
	for _, b := range all {
		if _, below := path.relativeTo(b.path); below && (!ok || len(b.path) > len(found.path)) {
			found, ok = b, true
		}
	}
	return found, ok
}

// mapAt returns the map at the path of a tree, or nil if there is none. The path may have indices of
// lists.
func mapAt(tree map[string]any, path Path) map[string]any {
	m, _ := (&checker{value: tree}).valueAt(path).(map[string]any)
	return m
}

// Roles returns the roles of the nested plugin blocks that the schema has, sorted.
func (s *Schema) Roles() []string {
	var roles []string
	for _, m := range s.nested {
		roles = append(roles, m.role)
	}
	slices.Sort(roles)
	return roles
}
