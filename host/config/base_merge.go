package config

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/knadh/koanf/v2"
)

// folded is a merge of the host's layers, which tenants share; but for covered it
// is not changed once made.
type baseMerge struct {
	tree       map[string]any
	provenance *provenanceTree
	root       Path       // of the tenant's keys
	parent     *baseMerge // what a plan is on top of; nil for the host's layers
	snapshot   schemaSnapshot
	redacted   sync.Map // the configurations of blocks that tenants inherit as they are, by key
}

// defaultsKey holds what tenants inherit.
const defaultsKey = "defaults"

func (h *Host) mergeSources(ctx context.Context, schemas Schemas) *layers {
	s := newLayers(ctx, schemas, Path{defaultsKey})
	s.provenance.set = &provenance{pos: Pos{File: builtIn.String()}}
	for _, src := range h.sources {
		if src.layer == hostFile {
			s.provenance.set = &provenance{pos: Pos{File: src.doc.name}, layer: hostFile}
		}
		s.load(src.layer, src.doc)
	}
	return s
}

func (s *layers) baseMerge() *baseMerge {
	return &baseMerge{tree: s.values.Raw(), provenance: s.provenance, root: s.root, snapshot: s.snapshot}
}

// inherited gives the host's layers merged with the schemas as they are now. All
// tenants share the last merge until a schema changes.
func (h *Host) inherited(ctx context.Context, schemas Schemas) *baseMerge {
	h.mu.Lock()
	lastBase := h.lastBase
	h.mu.Unlock()
	if lastBase != nil && lastBase.current(ctx, schemas) {
		return lastBase
	}
	f := h.mergeSources(ctx, schemas).baseMerge()
	h.mu.Lock()
	h.lastBase = f
	h.mu.Unlock()
	return f
}

func (f *baseMerge) current(ctx context.Context, schemas Schemas) bool {
	for id, a := range f.snapshot {
		schema, err := schemas.Schema(ctx, id[0], id[1])
		// A plugin that is still unknown changes nothing. Any other error may be
		// gone the next time.
		same := err == nil && a.err == nil && schema == a.schema ||
			errors.Is(err, ErrUnknownPlugin) && errors.Is(a.err, ErrUnknownPlugin)
		if !same {
			return false
		}
	}
	return true
}

// tenantStack begins a tenant's stack with what it inherits.
func (base *baseMerge) layersForTenant(ctx context.Context, schemas Schemas) *layers {
	s := newLayers(ctx, schemas, nil)
	if p := base.provenance.find(base.root); p != nil {
		s.provenance = p.inherited(base.root)
	}
	if s.provenance.set == nil {
		s.provenance.set = base.provenance.set
	}
	tree := base.tree
	for _, segment := range base.root {
		tree, _ = tree[segment].(map[string]any)
	}
	tree, _ = cloneValue(tree).(map[string]any)
	_ = s.values.Load(values(tree), nil, koanf.WithMergeFunc(func(src, dest map[string]any) error {
		maps.Copy(dest, src)
		return nil
	}))
	for id, a := range base.snapshot {
		if a.err == nil { // else asked again: what is known may have changed
			s.snapshot[id] = a
		}
	}
	return s
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = cloneValue(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = cloneValue(item)
		}
		return out
	}
	return value
}

// problem is one of the host's own keys.
func (f *baseMerge) problem(path Path, message, expected string) Problem {
	return problemAt(f.provenance.nearest(path), path, message, expected)
}
