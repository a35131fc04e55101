package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// fall says why an inherited secret is no longer there.
type droppedSecret struct {
	layer    layer
	endpoint Path // in its block
	pos      Pos
}

// dropSecrets removes from a block the secrets that lower layers gave it, if this
// layer changed where they would be sent.
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
				// A list falls as a whole: its elements are of one layer.
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
