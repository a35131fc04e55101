package config

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// restriction checks a tenant's own document against the tenant policy. It compares the document
// with the operator's settings for the tenant.
type restriction struct {
	policy   *policy
	doc      *Document
	operator *tenantMerge // merge of all layers below the tenant's own document, with the limits
	layers   *layers      // source of the plugins' schemas

	problems Problems
	refused  map[string]bool // paths, as Path.key, of the keys that must not be merged
	// plugin and change describe the block whose keys are being checked.
	plugin string // plugin that the block selects, own document included; empty outside of a plugin's keys
	change bool   // whether the own document selects another plugin than the operator
}

// restrict checks a tenant's own document. It returns the part of the document that may be
// merged, the merge of the operator's settings below the document, and the problems of both.
func (h *Host) restrict(ctx context.Context, own *Document, base *baseMerge, tenant string, operator *Document, s Schemas) (*Document, *tenantMerge, Problems) {
	below := &tenantMerge{host: h, base: base, docs: Documents{Operator: operator}, tenant: tenant, partial: true}
	below.layers = base.layersForTenant(ctx, s)
	below.layers.load(tenantLayer, below.withoutHostKeys(operator))
	below.buildEffective()
	name, _ := below.tree[planKey].(string)
	p := h.policies[name]
	if p == nil {
		p = h.policies[""]
	}
	r := restriction{policy: p, doc: own, operator: below, layers: below.layers, refused: map[string]bool{}}
	for _, e := range own.keys {
		r.top(e.key, plain(e.value))
		if ctx.Err() != nil {
			break
		}
	}
	return own.withoutPaths(r.refused), below, append(below.problems, r.problems...)
}

// addProblem adds a problem at path, and excludes the key from the merge.
func (r *restriction) addProblem(path Path, message, expected string) {
	r.refused[keyOf(path).key()] = true
	r.problems = append(r.problems, Problem{Pos: r.doc.Pos(path), Path: path, Message: message, Expected: expected})
}

// addRuling adds the problem that rule forbids a change of the key. does describes the change.
func (r *restriction) addRuling(path Path, does string, rule ruling) {
	expected := ""
	if rule.allow != "" {
		expected = "it in the operator's settings, or in the host file `" + rule.allow + "`"
	}
	r.addProblem(path, does+": "+rule.text(), expected)
	r.problems.tellTenant(does + ": " + rule.forTenant())
}

// top checks one top-level key of the document.
func (r *restriction) top(key string, own any) {
	path := Path{key}
	c, known := tenantSchema().cursor().key(key)
	if !known {
		return // another check reports an unknown key or a key of the host
	}
	b, isBlock := blockOf(key)
	if !isBlock {
		r.value(path, own, r.operator.tree[key], c)
		return
	}
	had, _ := r.operator.tree[key].(map[string]any)
	r.block(b, own, had)
}

// block checks a plugin block of the document, and its nested blocks. had is the operator's block,
// or nil if there is none.
func (r *restriction) block(b block, own any, had map[string]any) {
	path := b.path
	values, isMap := own.(map[string]any)
	if own == nil && had != nil {
		r.addProblem(path, "would remove what the operator selects and configures (built-in rule)", "single keys of it")
		return
	}
	if !isMap {
		return // removes nothing, or has a wrong type, which the schema reports
	}
	before := plainText(had[b.selector])
	plugin, change := r.plugin, r.change
	defer func() { r.plugin, r.change = plugin, change }()
	r.plugin, r.change = before, false
	if value, given := values[b.selector]; given {
		name := plainText(value)
		switch {
		case value == nil && before != "":
			r.addProblem(path.with(b.selector), "would remove the plugin that the operator selects (built-in rule)", strconv.Quote(before))
		case name == "" || name == before:
			// The value selects the same plugin, or is not a text, which the schema reports.
		default:
			if rule := r.policy.selector(b, name); !rule.allowed {
				r.addRuling(path.with(b.selector), fmt.Sprintf("may not select %q", name), rule)
				r.refused[path.key()] = true // the keys of a plugin that the tenant may not select are not checked
				return
			}
			r.plugin, r.change = name, true
		}
	}
	schema, _ := r.layers.schema(b, r.plugin)
	nested := b.nested(schema)
	for _, e := range r.doc.keysOf(path) {
		at := path.with(e.key)
		if i := slices.IndexFunc(nested, func(n block) bool { return slices.Equal(n.path, at) }); i >= 0 {
			inner, _ := had[e.key].(map[string]any)
			if r.change {
				inner = nil // the operator's nested block belongs to another plugin
			}
			r.block(nested[i], values[e.key], inner)
			continue
		}
		switch {
		case e.key == b.selector:
		case e.key == fallbackKey && b.isHosts(fallbackKey):
			r.fallbackBlocks(b, values[e.key], had)
		case b.isHosts(e.key):
			// The host reads this key itself, so the key stays when the tenant selects another
			// plugin.
			plugin, change := r.plugin, r.change
			r.plugin, r.change = "", false
			next, _ := tenantSchema().cursor().at(at, nil)
			r.value(at, values[e.key], had[e.key], next)
			r.plugin, r.change = plugin, change
		case schema != nil:
			next, known := schema.cursor().key(e.key)
			if !known {
				continue // the schema reports the unknown key
			}
			r.value(at, values[e.key], had[e.key], next)
		case isKnowledge(b):
			next, _ := tenantSchema().cursor().at(at, nil)
			r.value(at, values[e.key], had[e.key], next)
		}
	}
}

func isKnowledge(b block) bool { return slices.Equal(b.path, knowledge.path) }

// value checks the value own, which the document has at the path. had is the operator's value at
// the same path.
func (r *restriction) value(path Path, own, had any, c cursor) {
	if r.change {
		had = nil // the operator's value belongs to another plugin
	}
	below, isMap := own.(map[string]any)
	inside, hadMap := had.(map[string]any)
	if own == nil && (hadMap || len(c.keys()) > 0) || !isMap && hadMap {
		r.removal(path, path, inside, c)
	}
	switch {
	case isMap:
		if had != nil && !hadMap {
			r.set(path, path, nil, had, c) // the map replaces the operator's value
		}
		for _, e := range r.doc.keysOf(path) {
			next, known := c.key(e.key)
			if !known {
				continue // the schema reports the unknown key
			}
			r.value(path.with(e.key), below[e.key], inside[e.key], next)
		}
		if len(below) == 0 && had == nil && len(c.keys()) == 0 {
			r.set(path, path, own, had, c)
		}
	case own == nil && (hadMap || len(c.keys()) > 0):
		// The call of removal has checked this null.
	default:
		if items, ok := own.([]any); ok {
			for i, item := range items {
				r.element(path.with(strconv.Itoa(i)), item, c.item(i))
			}
		}
		r.set(path, path, own, had, c)
	}
}

// element checks the values in one element of a list.
func (r *restriction) element(path Path, item any, c cursor) {
	c.leaves(path, item, func(path Path, value any, m marks) {
		r.leaf(path, value, m)
	})
}

// removal checks whether the tenant may remove all values that the operator has at and below
// path. at is the key of the document that removes them.
func (r *restriction) removal(at, path Path, had any, c cursor) {
	if m, ok := had.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			next, _ := c.key(key)
			r.removal(at, path.with(key), m[key], next)
		}
		return
	}
	if had != nil {
		r.set(at, path, nil, had, c)
	}
}

// set checks whether the tenant may replace the operator's value at path by own. A nil own
// removes the value. at is the key of the document that causes the change.
func (r *restriction) set(at, path Path, own, had any, c cursor) {
	if r.refused[keyOf(at).key()] {
		return // one problem for each key is enough
	}
	does := "may not be set by the tenant itself"
	if own == nil {
		does = "may not be removed by the tenant itself"
	}
	if len(at) < len(path) {
		does = "may not be removed by the tenant itself, for what is in it"
	}
	rule := r.policy.key(path, c.marks, r.plugin)
	if !rule.allowed {
		r.addRuling(at, does, rule)
		return
	}
	if r.isReference(at, own, c.marks) {
		return
	}
	if rule.lower {
		r.lower(at, path, own, had, c)
	}
}

// leaf checks one scalar in a list.
func (r *restriction) leaf(path Path, value any, m marks) {
	if r.refused[keyOf(path).key()] {
		return
	}
	if rule := r.policy.key(path, m, r.plugin); !rule.allowed {
		r.addRuling(path, "may not be set by the tenant itself", rule)
		return
	}
	r.isReference(path, value, m)
}

// isReference reports whether the value of a secret key is a reference, and adds a problem if so.
// A tenant's own settings may not contain references, because a reference reads variables and
// files of the host. For keys that are not secret, references are refused for operators too.
func (r *restriction) isReference(path Path, value any, m marks) bool {
	text, ok := value.(string)
	if !ok || !m.secret {
		return false
	}
	if _, whole := parseReference(text); !whole {
		return false
	}
	r.addProblem(path, "is a reference, and what a tenant writes itself reaches nothing of the host (built-in rule)", "the secret itself")
	return true
}

// lower adds a problem if the tenant's value exceeds the operator's value. If the operator did
// not set the key, the bound is the default of the key. A key without a default has no bound.
func (r *restriction) lower(at, path Path, own, had any, c cursor) {
	unlimited := func(v any) bool { return v == nil || c.marks.zeroUnlimited && asFloat(v) <= 0 }
	most, from := had, r.operator.layers.provenance.nearest(path)
	if most == nil {
		most, from = c.byDefault(), provenance{}
	}
	value := own
	if own == nil {
		value = r.valueIfUnset(path, c)
	}
	switch value.(type) {
	case nil, int64, float64:
	default:
		return // the schema reports the wrong type
	}
	if unlimited(most) || !unlimited(value) && asFloat(value) <= asFloat(most) {
		return
	}
	does := fmt.Sprintf("is %s, above the operator's %s", jsonOf(value), jsonOf(most))
	switch {
	case own == nil && unlimited(value):
		does = "would remove the operator's bound of " + jsonOf(most)
	case own == nil:
		does = fmt.Sprintf("would go back to %s, above the operator's %s", jsonOf(value), jsonOf(most))
	case unlimited(value):
		does = fmt.Sprintf("is %s, which is no bound, above the operator's %s", jsonOf(value), jsonOf(most))
	}
	const only = ", and may be lowered only"
	where, whereForTenant := from.pos.String(), ""
	if where == "" {
		where, whereForTenant = "the default", " (the default)"
	}
	r.addProblem(at, does+" ("+where+")"+only, fmt.Sprintf("at most %s, or more for `%s` in the operator's settings of the tenant, its plan or `defaults`", jsonOf(most), path))
	r.problems.tellTenant(does + whereForTenant + only)
}

// valueIfUnset returns the value that applies if no layer sets the key, or nil if nothing then bounds
// the key.
func (r *restriction) valueIfUnset(path Path, c cursor) any {
	if len(path) == 2 && path[0] == limitsKey {
		ceilings, _ := r.operator.host.hostMerge.tree[limitsKey].(map[string]any)
		if ceiling, ok := ceilings[path[1]]; ok {
			return ceiling
		}
		return defaultLimits()[path[1]]
	}
	return c.byDefault()
}
