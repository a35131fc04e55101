package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

const limitsKey = "limits"

// limits fills in the host's limits, which also are the most that a tenant may
// have.
func (a *assembly) limits() {
	base := a.host.own
	ceilings, _ := base.tree[limitsKey].(map[string]any)
	given, isMap := a.tree[limitsKey].(map[string]any)
	if _, any := a.tree[limitsKey]; any && !isMap {
		return // a wrong type, reported
	}
	out := maps.Clone(given)
	if out == nil {
		out = map[string]any{}
	}
	for _, key := range slices.Sorted(maps.Keys(defaultLimits)) {
		path := Path{limitsKey, key}
		ceiling, ok := ceilings[key]
		from := base.origins[path.key()]
		if !ok { // removed by a null
			ceiling, from = defaultLimits[key], origin{pos: Pos{File: builtIn.String()}}
		}
		own, ok := out[key]
		if !ok {
			out[key] = ceiling
			a.stack.origins[path.key()] = from
			continue
		}
		switch own.(type) {
		case int64, float64:
			if asFloat(own) > asFloat(ceiling) {
				a.refuse(path, fmt.Sprintf("is %s, above the host's limit of %s (%s)", jsonOf(own), jsonOf(ceiling), from.pos),
					"at most "+jsonOf(ceiling))
			}
		}
	}
	a.tree[limitsKey] = out
	a.effective.Limits = decodeLimits(decoder{values: out})
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
