package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// droppedSecret says why an inherited secret is no longer there: a layer changed the endpoint
// that it would be sent to.
type droppedSecret struct {
	layer    layer
	endpoint Path // the changed key, within its block
	pos      Pos
}

// dropSecrets removes the secrets that lower layers gave a block, if this layer changed an
// endpoint of the block. before are the endpoints before the layer.
func (s *layers) dropSecrets(l layer, doc *Document, b block, schema *Schema, before map[string]any, dest map[string]any) {
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
	why := droppedSecret{layer: l, endpoint: endpoint, pos: doc.Pos(root.with(endpoint...))}
	schema.cursor().leaves(nil, s.block(b, dest), func(path Path, _ any, m marks) {
		full := root.with(path...)
		if !m.secret || b.isHosts(path[0]) || s.provenance.nearest(full).layer == l {
			return
		}
		at := s.block(b, dest)
		for i, segment := range path {
			next, ok := at[segment].(map[string]any)
			if !ok || i == len(path)-1 {
				// A list is dropped as a whole: all of its elements are of one layer.
				delete(at, segment)
				gone := root.with(path[:i+1]...)
				s.provenance.remove(gone)
				s.provenance.at(gone).dropped = &why
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
