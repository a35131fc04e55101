package config

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/v2"
)

// layer is a source of configuration; a higher one overrides a lower one.
type layer uint8

const (
	builtIn layer = iota
	hostFile
	overlayFile
	environmentVariables
	planOfHostFile // plan blocks of these three layers, which are merged after all defaults
	planOfOverlay
	planOfEnvironment
	tenantLayer
	ownLayer
)

// isTenants reports whether the layer is one of the tenant's documents.
func (l layer) isTenants() bool { return l == tenantLayer || l == ownLayer }

func (l layer) String() string {
	return [...]string{"built-in defaults", "host file", "overlay file", "environment", "plan", "plan", "plan", "tenant", "tenant's own settings"}[l]
}

// origin says where a key of the merged configuration was set last. The prefix
// leads from the root of that document to what is the root here: a tenant's keys
// are below "defaults" in the host's documents.
type origin struct {
	pos    Pos
	layer  layer
	prefix Path
}

// fall says why an inherited secret is no longer there.
type fall struct {
	layer    layer
	endpoint Path // in its block
	pos      Pos
}

// stack is layers merged so far. koanf has the values; beside them are where each
// was set, what was removed, and which secrets fell away.
type stack struct {
	ctx     context.Context
	schemas Schemas // nil while only the host's own keys matter
	root    Path    // of the tenant's keys
	values  *koanf.Koanf
	places  *place // of the root; where it was set is where a missing key is missing
	asked   answers
}

// answer is what Schemas said, kept so that one merge sees one schema.
type answer struct {
	schema *Schema
	err    error
}

func newStack(ctx context.Context, schemas Schemas, root Path) *stack {
	return &stack{
		ctx: ctx, schemas: schemas, root: root,
		values: koanf.New(separator),
		places: &place{},
		asked:  answers{},
	}
}

// schema gives nil where there is none.
func (s *stack) schema(b block, name string) (*Schema, error) {
	if s.schemas == nil || name == "" {
		return nil, nil
	}
	id := [2]string{b.kind, name}
	if a, ok := s.asked[id]; ok {
		return a.schema, a.err
	}
	schema, err := s.schemas.Schema(s.ctx, b.kind, name)
	if err == nil && schema == nil {
		err = fmt.Errorf("it has none")
	}
	s.asked[id] = answer{schema, err}
	return schema, err
}

// load puts doc on top.
func (s *stack) load(l layer, doc *Document) { s.loadAt(l, doc, nil) }

// loadAt puts doc on top, which is what is below prefix in the document it was taken from.
func (s *stack) loadAt(l layer, doc *Document, prefix Path) {
	// The merge function never fails, and content gives no error.
	_ = s.values.Load(content{doc}, nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		s.merge(l, doc, prefix, src, dest)
		return nil
	}))
}

func (s *stack) merge(l layer, doc *Document, prefix Path, src, dest map[string]any) {
	all := append(slices.Clone(blocks), knowledge)
	for _, b := range all {
		s.dropForeign(b, src, dest)
	}
	type endpoints struct {
		schema *Schema
		values map[string]any
	}
	before := make([]endpoints, len(all))
	for i, b := range all {
		// A schema that cannot be had is a problem later, if it still matters.
		before[i].schema, _ = s.schema(b, selected(s.block(b, src), s.block(b, dest), b.selector))
		if before[i].schema != nil {
			before[i].values = before[i].schema.endpoints(s.block(b, dest))
		}
	}
	put(dest, src, s.places, provenanceOf(l, doc, prefix))
	s.typeTexts(dest, dest, nil)
	for i, b := range all {
		if before[i].schema != nil {
			s.dropSecrets(l, doc, b, before[i].schema, before[i].values, dest)
		}
	}
}

// block gives a block's keys in a tree, or nil.
func (s *stack) block(b block, tree map[string]any) map[string]any {
	for _, segment := range s.root.with(b.key) {
		tree, _ = tree[segment].(map[string]any)
	}
	return tree
}

// selected gives the plugin that is selected once src is merged into dest.
func selected(src, dest map[string]any, selector string) string {
	if value, ok := src[selector]; ok {
		return plainText(value)
	}
	return plainText(dest[selector])
}

func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case envText:
		return string(v)
	}
	return ""
}

// dropForeign removes what configured another plugin than the one that src selects.
func (s *stack) dropForeign(b block, src, dest map[string]any) {
	from, into := s.block(b, src), s.block(b, dest)
	value, changes := from[b.selector]
	old, had := into[b.selector]
	if !changes || !had || value != nil && plainText(value) == plainText(old) && plainText(old) != "" {
		return
	}
	for key := range into {
		if slices.Contains(b.hosts, key) {
			continue
		}
		delete(into, key)
		s.places.forget(s.root.with(b.key, key))
	}
}

// put merges src into dest: maps key by key, a null removes, all else replaces.
func put(dest, src map[string]any, at *place, from *provenance) {
	for name, value := range src {
		set, inner := from.of(0, name)
		switch v := value.(type) {
		case nil:
			delete(dest, name)
			delete(at.below, name)
			at.child(name).removed = &set
		case map[string]any:
			into, ok := dest[name].(map[string]any)
			if !ok {
				into = make(map[string]any, len(v))
				dest[name] = into
				delete(at.below, name)
			}
			next := at.child(name)
			next.removed, next.set = nil, &set
			put(into, v, next, inner)
		default:
			delete(at.below, name)
			dest[name] = value
			note(at.child(name), value, set, inner)
		}
	}
}

// note notes where a value is from, and each element of a list.
func note(at *place, value any, set origin, from *provenance) {
	at.set = &set
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			name := strconv.Itoa(i)
			set, inner := from.of(i, name)
			note(at.child(name), item, set, inner)
		}
	case map[string]any:
		for name, item := range v {
			set, inner := from.of(0, name)
			note(at.child(name), item, set, inner)
		}
	}
}

// typeTexts reads the environment's texts as what the schemas of their keys say.
func (s *stack) typeTexts(tree, at map[string]any, path Path) {
	for name, value := range at {
		switch v := value.(type) {
		case map[string]any:
			s.typeTexts(tree, v, path.with(name))
		case envText:
			at[name] = v.typed(s.typesOf(tree, path.with(name)))
		}
	}
}

func (s *stack) typesOf(tree map[string]any, path Path) []string {
	if len(path) <= len(s.root) || !slices.Equal(path[:len(s.root)], s.root) {
		at, _ := hostSchema().cursor().at(path, nil)
		return at.types()
	}
	path = path[len(s.root):]
	for _, b := range blocks {
		if path[0] != b.key || len(path) == 1 || b.isHosts(path[1]) {
			continue
		}
		schema, _ := s.schema(b, plainText(s.block(b, tree)[b.selector]))
		if schema == nil {
			return []string{"string"}
		}
		at, _ := schema.cursor().at(path[1:], nil)
		return at.types()
	}
	at, _ := tenantSchema().cursor().at(path, nil)
	return at.types()
}

// dropSecrets removes from a block the secrets that lower layers gave it, if this
// layer changed where they would be sent.
func (s *stack) dropSecrets(l layer, doc *Document, b block, schema *Schema, before map[string]any, dest map[string]any) {
	after := schema.endpoints(s.block(b, dest))
	changed := ""
	for _, key := range slices.Sorted(maps.Keys(union(before, after))) {
		old, had := before[key]
		value, has := after[key]
		if had != has || !reflect.DeepEqual(old, value) {
			changed = key
			break
		}
	}
	if changed == "" {
		return
	}
	root := s.root.with(b.key)
	endpoint := Path(strings.Split(changed, separator))
	why := fall{layer: l, endpoint: endpoint, pos: doc.Pos(root.with(endpoint...))}
	schema.cursor().leaves(nil, s.block(b, dest), func(path Path, _ any, m marks) {
		full := root.with(path...)
		if !m.secret || b.isHosts(path[0]) || s.places.locate(full).layer == l {
			return
		}
		at := s.block(b, dest)
		for i, segment := range path {
			next, ok := at[segment].(map[string]any)
			if !ok || i == len(path)-1 {
				// A list falls as a whole: its elements are of one layer.
				delete(at, segment)
				gone := root.with(path[:i+1]...)
				s.places.forget(gone)
				s.places.at(gone).fell = &why
				return
			}
			at = next
		}
	})
}

func union(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
