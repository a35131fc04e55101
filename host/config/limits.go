package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

const limitsKey = "limits"

// zeroIsUnlimited are the limits that 0 lifts: as a ceiling it lets everything
// pass, and below another ceiling it would lift that.
var zeroIsUnlimited = map[string]bool{"turns_per_minute": true, "reply_tokens": true}

// perHost are the limits that each host counts for itself.
var perHost = []string{"concurrent_turns", "turns_per_minute", "waiting_turns", "conversation_waiters"}

func isPerHost(path Path) bool {
	return len(path) == 2 && path[0] == limitsKey && slices.Contains(perHost, path[1])
}

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
		from := base.places.locate(path)
		if !ok { // removed by a null
			ceiling, from = defaultLimits[key], origin{pos: Pos{File: builtIn.String()}}
		}
		own, ok := out[key]
		if !ok {
			out[key] = ceiling
			a.stack.places.at(path).set = &from
			continue
		}
		switch own.(type) {
		case int64, float64:
			a.checkCeiling(path, own, ceiling, from)
		}
	}
	a.tree[limitsKey] = out
	a.effective.Limits = decodeLimits(decoder{values: out})
	for _, key := range []string{"first_token_timeout", "token_timeout"} {
		if a.stack.places.locate(Path{limitsKey, key}).layer.isTenants() {
			a.effective.Limits.Impatient = true
		}
	}
}

// checkCeiling refuses what is more than the host allows.
func (a *assembly) checkCeiling(path Path, own, ceiling any, from origin) {
	value, most := asFloat(own), asFloat(ceiling)
	switch lifts := zeroIsUnlimited[path[len(path)-1]]; {
	case lifts && most == 0:
	case lifts && value == 0:
		a.refuse(path, fmt.Sprintf("is 0, which is unlimited, above the host's limit of %s (%s)", jsonOf(ceiling), from.pos),
			"1 to "+jsonOf(ceiling))
	case value > most:
		a.refuse(path, fmt.Sprintf("is %s, above the host's limit of %s (%s)", jsonOf(own), jsonOf(ceiling), from.pos),
			"at most "+jsonOf(ceiling))
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
