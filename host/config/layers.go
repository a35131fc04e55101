package config

import (
	"fmt"
	"strconv"

	"context"
	"errors"
	"slices"

	"github.com/knadh/koanf/v2"
)

// values is a map that implements koanf.Provider.
type values map[string]any

// ReadBytes implements koanf.Provider.
func (v values) ReadBytes() ([]byte, error) { return content{}.ReadBytes() }

// Read implements koanf.Provider.
func (v values) Read() (map[string]any, error) { return v, nil }

// layers holds the merge of all layers loaded so far. values has the merged keys. provenance
// records which layer set or removed each key, and why keys of deselected plugins and secrets were
// dropped. It is not safe for concurrent use.
type layers struct {
	ctx        context.Context
	schemas    Schemas // nil if only the host's own keys are needed
	root       Path    // path of the tenants' keys in the merged tree
	values     *koanf.Koanf
	provenance *provenanceTree // a key without provenance has the position of the root
	snapshot   schemaSnapshot
}

// newLayers returns layers into which no document was loaded yet.
func newLayers(ctx context.Context, schemas Schemas, root Path) *layers {
	return &layers{
		ctx: ctx, schemas: schemas, root: root,
		values:     koanf.New(separator),
		provenance: &provenanceTree{},
		snapshot:   schemaSnapshot{},
	}
}

// schema returns the schema of the named plugin for a block, or nil if s has no schemas or name
// is empty. Each merge asks for each schema only once.
func (s *layers) schema(b block, name string) (*Schema, error) {
	if s.schemas == nil || name == "" {
		return nil, nil
	}
	id := [2]string{b.kind, name}
	if a, ok := s.snapshot[id]; ok {
		return a.schema, a.err
	}
	schema, err := s.schemas.Schema(s.ctx, b.kind, name)
	if err == nil && schema == nil {
		err = fmt.Errorf("it has none")
	}
	if err == nil && len(schema.nested) > 0 && !slices.Contains(nestingKinds, b.kind) {
		schema, err = nil, fmt.Errorf("it has nested plugin blocks, which %s plugin may not have", article(b.kind))
	}
	s.snapshot[id] = snapshotEntry{schema, err}
	return schema, err
}

// load merges a document on top of the layers loaded before.
func (s *layers) load(l layer, doc *Document) { s.loadAt(l, doc, nil) }

// loadAt merges a document on top of the layers loaded before. The document was cut out of a
// larger document at the path prefix.
func (s *layers) loadAt(l layer, doc *Document, prefix Path) {
	// The provider content and the merge function never return an error.
	_ = s.values.Load(content{doc}, nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		s.merge(l, doc, prefix, src, dest)
		return nil
	}))
}

// merge merges src, the values of doc, into dest. First it drops the keys of plugins that src
// deselects. After the merge it drops the inherited secrets of blocks whose endpoint changed.
func (s *layers) merge(l layer, doc *Document, prefix Path, src, dest map[string]any) {
	all := append(slices.Clone(blocks), knowledge)
	type endpoints struct {
		schema *Schema
		values map[string]any
	}
	var before []endpoints
	for i := 0; i < len(all); i++ { // all grows while the loop appends nested blocks
		b := all[i]
		s.dropForeign(l, doc, b, src, dest)
		var e endpoints
		// If the plugin is still selected in the final configuration, tenantMerge.block reports
		// the error.
		e.schema, _ = s.schema(b, selected(s.block(b, src), s.block(b, dest), b.selector))
		if e.schema != nil {
			e.values = e.schema.endpoints(s.block(b, dest))
			all = append(all, b.nested(e.schema)...)
		}
		before = append(before, e)
	}
	mergeTree(dest, src, s.provenance, docProvenanceOf(l, doc, prefix))
	s.typeTexts(dest, dest, nil)
	for i, b := range all {
		if before[i].schema != nil {
			s.dropSecrets(l, doc, b, before[i].schema, before[i].values, dest)
		}
	}
}

// block returns the keys of a block in a tree, or nil if the tree does not have the block.
func (s *layers) block(b block, tree map[string]any) map[string]any {
	return mapAt(mapAt(tree, s.root), b.path)
}

// selected returns the name of the plugin that will be selected after the merge of src into dest.
func selected(src, dest map[string]any, selector string) string {
	if value, ok := src[selector]; ok {
		return plainText(value)
	}
	return plainText(dest[selector])
}

// plainText returns value as a string, or "" if value is not a text.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case envText:
		return string(v)
	}
	return ""
}

// dropForeign removes the keys of a block from dest if src selects another plugin for the block.
// The keys that the host reads itself stay. l and doc are the layer and the document that src is from.
// dropForeign records the reason in the provenance of each removed key.
func (s *layers) dropForeign(l layer, doc *Document, b block, src, dest map[string]any) {
	from, into := s.block(b, src), s.block(b, dest)
	value, changes := from[b.selector]
	old, had := into[b.selector]
	if !changes || !had || value != nil && plainText(value) == plainText(old) && plainText(old) != "" {
		return
	}
	root := s.root.with(b.path...)
	why := deselection{layer: l, selector: b.path.with(b.selector), plugin: plainText(value), before: plainText(old), pos: doc.Pos(root.with(b.selector))}
	for key := range into {
		if slices.Contains(b.hosts, key) {
			continue
		}
		delete(into, key)
		s.provenance.remove(root.with(key))
		if key != b.selector {
			s.provenance.at(root.with(key)).foreign = &why
		}
	}
}

// deselection says which layer selected another plugin for a block, so that the keys of the plugin
// before it were removed.
type deselection struct {
	layer          layer
	selector       Path   // path of the selector in a tenant's configuration
	plugin, before string // the plugin that was selected, or empty if the selector was removed; the plugin before it
	pos            Pos
}

// String returns why the keys were removed, for Entry.Dropped.
func (d *deselection) String() string {
	if d.plugin == "" {
		return fmt.Sprintf("it is a key of %q, and the %s removed `%s`", d.before, d.layer, d.selector)
	}
	return fmt.Sprintf("it is a key of %q, and the %s set `%s` to %q", d.before, d.layer, d.selector, d.plugin)
}

// mergeTree merges src into dest. It merges maps key by key. A null in src removes the key. Any
// other value replaces the value in dest.
func mergeTree(dest, src map[string]any, at *provenanceTree, from *docProvenance) {
	for name, value := range src {
		set, inner := from.of(0, name)
		switch v := value.(type) {
		case nil:
			delete(dest, name)
			delete(at.children, name)
			at.child(name).removed = &set
		case map[string]any:
			into, ok := dest[name].(map[string]any)
			if !ok {
				into = make(map[string]any, len(v))
				dest[name] = into
				delete(at.children, name)
			}
			next := at.child(name)
			next.removed, next.foreign, next.set = nil, nil, &set
			mergeTree(into, v, next, inner)
		default:
			delete(at.children, name)
			dest[name] = value
			record(at.child(name), value, set, inner)
		}
	}
}

// record sets the provenance of a value and of all values inside it.
func record(at *provenanceTree, value any, set provenance, from *docProvenance) {
	at.set = &set
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			name := strconv.Itoa(i)
			set, inner := from.of(i, name)
			record(at.child(name), item, set, inner)
		}
	case map[string]any:
		for name, item := range v {
			set, inner := from.of(0, name)
			record(at.child(name), item, set, inner)
		}
	}
}

// content is a parsed document that implements koanf.Provider.
type content struct{ doc *Document }

// ReadBytes implements koanf.Provider.
func (c content) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Read implements koanf.Provider.
func (c content) Read() (map[string]any, error) { return c.doc.Values(), nil }

var _ koanf.Provider = content{}
