package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
)

const limitsKey = "limits"

// zeroUnlimited maps each limit to whether 0 means unlimited. For such a limit, a ceiling of 0
// allows every value, and a value of 0 exceeds every other ceiling.
var zeroUnlimited = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for key := range defaultLimits() {
		at, _ := tenantSchema().cursor().at(Path{limitsKey, key}, nil)
		out[key] = at.marks.zeroUnlimited
	}
	return out
})

// countedPerHost maps each limit to whether each host counts it for itself.
var countedPerHost = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for f := range reflect.TypeFor[Limits]().Fields() {
		out[f.Tag.Get("json")] = f.Tag.Get("counted") == "per host"
	}
	return out
})

// isPerHost reports whether the path is a limit that each host counts for itself.
func isPerHost(path Path) bool {
	return len(path) == 2 && path[0] == limitsKey && countedPerHost()[path[1]]
}

// isLimit reports whether key is the name of a limit.
func isLimit(key string) bool {
	_, known := countedPerHost()[key]
	return known
}

// limits checks the tenant's limits and sets Effective.Limits. A limit that the tenant does not
// set is the host's limit. A limit that exceeds the host's limit is a problem.
func (a *tenantMerge) limits() {
	base := a.host.hostMerge
	ceilings, _ := base.tree[limitsKey].(map[string]any)
	given, isMap := a.tree[limitsKey].(map[string]any)
	if _, any := a.tree[limitsKey]; any && !isMap {
		return // the check by the tenant schema reports the wrong type
	}
	out := maps.Clone(given)
	if out == nil {
		out = map[string]any{}
	}
	for _, key := range slices.Sorted(maps.Keys(defaultLimits())) {
		path := Path{limitsKey, key}
		ceiling, ok := ceilings[key]
		from := base.provenance.nearest(path)
		if !ok { // a null removed the host's limit
			ceiling, from = defaultLimits()[key], provenance{pos: Pos{File: builtIn.String()}}
		}
		own, ok := out[key]
		if !ok {
			out[key] = ceiling
			a.layers.provenance.at(path).set = &from
			continue
		}
		switch own.(type) {
		case int64, float64:
			a.checkCeiling(path, own, ceiling, from)
		}
	}
	a.tree[limitsKey] = out
	a.effective.Limits = limitReader().Read(out)
	for _, key := range []string{"first_token_timeout", "token_timeout"} {
		if a.layers.provenance.nearest(Path{limitsKey, key}).layer.isTenants() {
			a.effective.Limits.TenantSetTokenTimeout = true
		}
	}
}

// checkCeiling adds a problem if the tenant's limit own exceeds the host's limit ceiling.
func (a *tenantMerge) checkCeiling(path Path, own, ceiling any, from provenance) {
	value, most := asFloat(own), asFloat(ceiling)
	add := func(is, expected string) {
		message := fmt.Sprintf("is %s, above the host's limit of %s", is, jsonOf(ceiling))
		a.addProblem(path, fmt.Sprintf("%s (%s)", message, from.pos), expected)
		a.problems.tellTenant(message)
	}
	switch lifts := zeroUnlimited()[path[len(path)-1]]; {
	case lifts && most == 0:
	case lifts && value == 0:
		add("0, which is unlimited", "1 to "+jsonOf(ceiling))
	case value > most:
		add(jsonOf(own), "at most "+jsonOf(ceiling))
	}
}

// jsonOf returns a scalar as JSON, for messages.
func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// asFloat returns a number as float64, or 0 if v is not a number.
func asFloat(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}
