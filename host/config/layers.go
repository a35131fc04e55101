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

// stack is layers merged so far. koanf has the values; beside them are where each
// was set, what was removed, and which secrets fell away.
type layers struct {
	ctx        context.Context
	schemas    Schemas // nil while only the host's own keys matter
	root       Path    // of the tenant's keys
	values     *koanf.Koanf
	provenance *provenanceTree // of the root; where it was set is where a missing key is missing
	snapshot   schemaSnapshot
}

func newLayers(ctx context.Context, schemas Schemas, root Path) *layers {
	return &layers{
		ctx: ctx, schemas: schemas, root: root,
		values:     koanf.New(separator),
		provenance: &provenanceTree{},
		snapshot:   schemaSnapshot{},
	}
}

// schema gives nil where there is none.
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

// load puts doc on top.
func (s *layers) load(l layer, doc *Document) { s.loadAt(l, doc, nil) }

// loadAt puts doc on top, which is what is below prefix in the document it was taken from.
func (s *layers) loadAt(l layer, doc *Document, prefix Path) {
	// The merge function never fails, and content gives no error.
	_ = s.values.Load(content{doc}, nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		s.merge(l, doc, prefix, src, dest)
		return nil
	}))
}

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
		// A schema that cannot be had is a problem later, if it still matters.
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

// block gives a block's keys in a tree, or nil.
func (s *layers) block(b block, tree map[string]any) map[string]any {
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

// put merges src into dest: maps key by key, a null removes, all else replaces.
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

// note notes where a value is from, and each element of a list.
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

// content is a koanf provider that gives what was parsed before.
type content struct{ doc *Document }

// ReadBytes implements koanf.Provider.
func (c content) ReadBytes() ([]byte, error) { return nil, errors.ErrUnsupported }

// Read implements koanf.Provider.
func (c content) Read() (map[string]any, error) { return c.doc.Values(), nil }

var _ koanf.Provider = content{}
