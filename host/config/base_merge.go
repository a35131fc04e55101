package config

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/knadh/koanf/v2"
)

// baseMerge holds the values that tenants inherit: the merge of the host's layers, or of these
// and a plan on top. All tenants with the same plan share one. After it was made, only redacted
// changes.
type baseMerge struct {
	tree       map[string]any
	provenance *provenanceTree
	root       Path           // where the tenants' keys are in the tree
	parent     *baseMerge     // the merge below a plan; nil for the host's layers
	snapshot   schemaSnapshot // the schemas that were used
	redacted   sync.Map       // by key of a block, its redacted configuration for tenants that add nothing to it
}

// defaultsKey is the host's block with the keys that tenants inherit.
const defaultsKey = "defaults"

// mergeSources merges the host's layers. With nil schemas the part of the tenants is merged
// without the rules for plugins' keys; the host's own keys are as they should be.
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

// baseMerge returns the merge as it is now. The layers are not used after that.
func (s *layers) baseMerge() *baseMerge {
	return &baseMerge{tree: s.values.Raw(), provenance: s.provenance, root: s.root, snapshot: s.snapshot}
}

// inherited returns the host's layers, merged with the plugins' schemas as they are now. All
// tenants share the last merge until a schema changes. Two callers at once may both merge; the
// results are equal.
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

// current reports whether the schemas are still those of the merge.
func (f *baseMerge) current(ctx context.Context, schemas Schemas) bool {
	for id, a := range f.snapshot {
		schema, err := schemas.Schema(ctx, id[0], id[1])
		// A plugin that is still unknown changes nothing. After any other error the schema
		// may be there the next time.
		same := err == nil && a.err == nil && schema == a.schema ||
			errors.Is(err, ErrUnknownPlugin) && errors.Is(a.err, ErrUnknownPlugin)
		if !same {
			return false
		}
	}
	return true
}

// layersForTenant returns layers that begin with what the tenant inherits. The tenant's documents
// are merged on top of them.
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
		if a.err == nil { // after an error the schema is asked for again
			s.snapshot[id] = a
		}
	}
	return s
}

// cloneValue returns a deep copy of a tree.
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

// problem returns a problem of one of the host's own keys, with the position where the key was
// set.
func (f *baseMerge) problem(path Path, message, expected string) Problem {
	return problemAt(f.provenance.nearest(path), path, message, expected)
}
