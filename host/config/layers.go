package config

import (
	"fmt"
	"strconv"

	"context"
	"errors"
	"slices"

	"github.com/knadh/koanf/v2"
)

// values is a koanf provider of a map.
type values map[string]any

// ReadBytes implements koanf.Provider.
func (v values) ReadBytes() ([]byte, error) { return content{}.ReadBytes() }

// Read implements koanf.Provider.
func (v values) Read() (map[string]any, error) { return v, nil }

// layers are the layers that were merged so far. koanf has the values. Beside them is the
// provenance of each value, of each removal, and of each secret that was dropped. One goroutine
// uses it.
type layers struct {
	ctx        context.Context
	schemas    Schemas // nil where only the host's own keys matter
	root       Path    // where the tenants' keys are
	values     *koanf.Koanf
	provenance *provenanceTree // the root's; missing keys get its position
	snapshot   schemaSnapshot
}

// newLayers returns layers without any document.
func newLayers(ctx context.Context, schemas Schemas, root Path) *layers {
	return &layers{
		ctx: ctx, schemas: schemas, root: root,
		values:     koanf.New(separator),
		provenance: &provenanceTree{},
		snapshot:   schemaSnapshot{},
	}
}

// schema returns the schema of a plugin's block; nil where there is none. One merge asks for each
// schema once.
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
	s.snapshot[id] = snapshotEntry{schema, err}
	return schema, err
}

// load merges a document on top.
func (s *layers) load(l layer, doc *Document) { s.loadAt(l, doc, nil) }

// loadAt merges a document on top that was taken from below prefix of a larger one.
func (s *layers) loadAt(l layer, doc *Document, prefix Path) {
	// Neither content nor the merge function fails.
	_ = s.values.Load(content{doc}, nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		s.merge(l, doc, prefix, src, dest)
		return nil
	}))
}

// merge merges src, the values of doc, into dest. It drops the keys of plugins that are no longer
// selected before, and the secrets of blocks whose endpoint changed after.
func (s *layers) merge(l layer, doc *Document, prefix Path, src, dest map[string]any) {
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
		// An error is reported later, if the plugin is selected in the end.
		before[i].schema, _ = s.schema(b, selected(s.block(b, src), s.block(b, dest), b.selector))
		if before[i].schema != nil {
			before[i].values = before[i].schema.endpoints(s.block(b, dest))
		}
	}
	mergeTree(dest, src, s.provenance, docProvenanceOf(l, doc, prefix))
	s.typeTexts(dest, dest, nil)
	for i, b := range all {
		if before[i].schema != nil {
			s.dropSecrets(l, doc, b, before[i].schema, before[i].values, dest)
		}
	}
}

// block returns the keys of a block in a tree; nil for none.
func (s *layers) block(b block, tree map[string]any) map[string]any {
	for _, segment := range s.root.with(b.key) {
		tree, _ = tree[segment].(map[string]any)
	}
	return tree
}

// selected returns the plugin that is selected once src is merged into dest.
func selected(src, dest map[string]any, selector string) string {
	if value, ok := src[selector]; ok {
		return plainText(value)
	}
	return plainText(dest[selector])
}

// plainText returns a text of a tree; empty for anything else.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case envText:
		return string(v)
	}
	return ""
}

// dropForeign removes the keys of a block that configured another plugin than the one that src
// selects. The host's keys in the block stay.
func (s *layers) dropForeign(b block, src, dest map[string]any) {
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
		s.provenance.remove(s.root.with(b.key, key))
	}
}

// mergeTree merges src into dest. Maps are merged key by key, a null removes, and anything else
// replaces.
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
			next.removed, next.set = nil, &set
			mergeTree(into, v, next, inner)
		default:
			delete(at.children, name)
			dest[name] = value
			record(at.child(name), value, set, inner)
		}
	}
}

// record sets the provenance of a value and of everything in it.
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

// content is a koanf provider of a parsed document.
type content struct{ doc *Document }

// ReadBytes implements koanf.Provider.
func (c content) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Read implements koanf.Provider.
func (c content) Read() (map[string]any, error) { return c.doc.Values(), nil }

var _ koanf.Provider = content{}
