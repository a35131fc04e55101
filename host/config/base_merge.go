package config

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/knadh/koanf/v2"
)

// baseMerge holds the values that tenants inherit. It is the merge of the host's layers, or the
// merge of the host's layers and one plan. All tenants with the same plan share one baseMerge.
// Only the field redacted changes after the merge.
type baseMerge struct {
	tree       map[string]any
	provenance *provenanceTree
	root       Path           // path in tree below which the tenants' keys are
	parent     *baseMerge     // the merge that the plan was merged on; nil for the merge of the host's layers
	snapshot   schemaSnapshot // the plugins' schemas that the merge used
	redacted   sync.Map       // maps the key of a block to its redacted configuration, for tenants whose documents do not have the block
}

// defaultsKey names the block of the host file whose keys tenants inherit.
const defaultsKey = "defaults"

// mergeSources merges the host's layers. With nil schemas, the merge drops no inherited secret
// when an endpoint changes, and texts of environment variables for plugins' keys stay texts. The
// host's own keys are merged correctly either way.
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

// baseMerge returns the result of the merge so far. The caller does not use s after the call.
func (s *layers) baseMerge() *baseMerge {
	return &baseMerge{tree: s.values.Raw(), provenance: s.provenance, root: s.root, snapshot: s.snapshot}
}

// inherited returns the merge of the host's layers with the plugins' current schemas. All tenants
// share the last merge until a schema changes. If two callers need a new merge at once, both may
// merge, with equal results.
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

// current reports whether the merge used the schemas that the plugins have now.
func (f *baseMerge) current(ctx context.Context, schemas Schemas) bool {
	for id, a := range f.snapshot {
		schema, err := schemas.Schema(ctx, id[0], id[1])
		// A plugin that was unknown and still is counts as unchanged. After any other error the
		// merge counts as outdated, because the schema may be available now.
		same := err == nil && a.err == nil && schema == a.schema ||
			errors.Is(err, ErrUnknownPlugin) && errors.Is(a.err, ErrUnknownPlugin)
		if !same {
			return false
		}
	}
	return true
}

// layersForTenant returns new layers that hold the values that tenants inherit. The caller merges
// the tenant's documents on top of them.
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
		if a.err == nil { // after an error, ask for the schema again
			s.snapshot[id] = a
		}
	}
	return s
}

// cloneValue returns a deep copy of a tree of maps and lists.
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

// problem returns a problem of the host key at path, with the position where a layer of the host
// set the key.
func (f *baseMerge) problem(path Path, message, expected string) Problem {
	return problemAt(f.provenance.nearest(path), path, message, expected)
}
