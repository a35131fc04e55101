package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// droppedSecret says which change of an endpoint removed an inherited secret. The secret was
// meant for the old endpoint and must not be sent to the new one.
type droppedSecret struct {
	layer    layer
	block    Path // path of the block in a tenant's configuration
	endpoint Path // path of the changed endpoint key, relative to its block
	pos      Pos
}

// dropSecrets removes from a block the secrets of lower layers if layer l changed an endpoint of
// the block. before has the endpoints as they were before the merge of layer l.
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
	root := s.root.with(b.path...)
	endpoint := Path(strings.Split(changed, separator))
	why := droppedSecret{layer: l, block: b.path, endpoint: endpoint, pos: doc.Pos(root.with(endpoint...))}
	schema.cursor().leaves(nil, schema.own(s.block(b, dest)), func(path Path, _ any, m marks) {
		full := root.with(path...)
		if !m.secret || b.isHosts(path[0]) || s.provenance.nearest(full).layer == l {
			return
		}
		at := s.block(b, dest)
		for i, segment := range path {
			next, ok := at[segment].(map[string]any)
			if !ok || i == len(path)-1 {
				// A list is removed as a whole, because all elements of a list come from one
				// layer.
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
