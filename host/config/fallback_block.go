package config

import (
	"fmt"
	"slices"
	"strconv"
)

// fallbackKey is the key of the fallback blocks in the block llm. Its value is a list of blocks. Each
// of them has the same keys as the block llm, except this one.
const fallbackKey = "fallback"

// fallbackPath is the path of the list of fallback blocks.
func fallbackPath() Path { return llmBlock().path.with(fallbackKey) }

// llmBlock returns the block llm.
func llmBlock() block { return blockOfKind("llm") }

// fallbacks returns the fallback blocks of the block b, in their order. config has the keys of b.
// A block that cannot have fallback blocks has none.
func (b block) fallbacks(config map[string]any) []block {
	if !slices.Contains(b.hosts, fallbackKey) {
		return nil
	}
	list, _ := config[fallbackKey].([]any)
	var out []block
	for i := range list {
		out = append(out, block{path: b.path.with(fallbackKey, strconv.Itoa(i)), kind: b.kind, selector: b.selector, element: true})
	}
	return out
}

// fallback sets Effective.Fallback from llm.fallback. The check by the tenant schema reports a list that
// is too long, and an element that is not a map.
func (a *tenantMerge) fallback() {
	for _, b := range llmBlock().fallbacks(mapAt(a.tree, llmBlock().path)) {
		if a.layers.ctx.Err() != nil {
			return // the caller no longer waits for the result
		}
		a.effective.Fallback = append(a.effective.Fallback, a.block(b))
	}
}

// fallbackBlocks checks the list of fallback blocks in a tenant's own document. b is the block llm, own
// is the list in the own document, and had is the operator's block llm. The own list replaces the
// operator's whole list, so its blocks inherit no keys and no secrets. A block may select a plugin
// that the policy lets the tenant select, or that the operator has selected for the tenant's block
// llm or its fallback blocks.
func (r *restriction) fallbackBlocks(b block, own any, had map[string]any) {
	path := b.path.with(fallbackKey)
	c, _ := tenantSchema().cursor().at(path, nil)
	plugin, change := r.plugin, r.change
	defer func() { r.plugin, r.change = plugin, change }()
	r.plugin, r.change = "", false
	if own != nil || had[fallbackKey] != nil {
		r.set(path, path, own, had[fallbackKey], c)
	}
	operators := []string{plainText(had[b.selector])}
	for _, f := range b.fallbacks(had) {
		operators = append(operators, plainText(mapAt(r.operator.tree, f.path)[f.selector]))
	}
	for _, f := range b.fallbacks(map[string]any{fallbackKey: own}) {
		if r.refused[path.key()] {
			return
		}
		r.fallbackBlock(f, operators)
	}
}

// fallbackBlock checks one block of llm.fallback in the own document. operators has the names of the
// plugins that the operator has selected, which the tenant may select even if the policy does not list them.
func (r *restriction) fallbackBlock(f block, operators []string) {
	entries := r.doc.keysOf(f.path)
	values, _ := plain(entries).(map[string]any)
	name := plainText(values[f.selector])
	if name == "" {
		return // the merge reports a missing selector
	}
	if !slices.Contains(operators, name) {
		if rule := r.policy.selector(f, name); !rule.allowed {
			r.addRuling(f.path.with(f.selector), fmt.Sprintf("may not select %q", name), rule)
			return
		}
	}
	schema, _ := r.layers.schema(f, name)
	if schema == nil {
		return // the merge reports a plugin without a schema
	}
	r.plugin = name
	for _, e := range entries {
		if next, known := schema.cursor().key(e.key); known && e.key != f.selector {
			r.value(f.path.with(e.key), values[e.key], nil, next)
		}
	}
}
