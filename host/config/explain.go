package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Entry is one key of an effective configuration, with its provenance. A list is one entry, except the
// list llm.fallback: each key of each fallback block is an entry.
type Entry struct {
	Path  Path // path in a tenant file: without "defaults" in front
	Value any  // a scalar or a list; each secret in it is "<secret>"
	// Layer is "built-in defaults", "host file", "overlay file", "environment", "plan", "tenant"
	// or "tenant's own settings".
	Layer  string
	Pos    Pos
	Secret bool
	// PerHost says that the key is a limit that each host counts for itself. Three hosts together
	// allow three times the value.
	PerHost bool
	// Dropped says why an inherited key is not effective: a layer selected another plugin, or
	// changed the endpoint that would get the secret. It is empty for all other keys. If Dropped is
	// set, Value is nil, and Layer and Pos belong to that change.
	Dropped string
	// Own says that the tenant's own settings have set the key, or made the change that dropped it.
	Own bool
	// Withheld says that Value is nil because the tenant may not see the value. Only ForTenant sets it.
	Withheld bool
	// May says whether the tenant may set the key in its own settings. It is MaySet, MayLower or
	// MayNot.
	May string
	// Rule says why the tenant may not set the key. Allow is the line of the host file that would
	// permit it. Both are empty if the tenant may set the key. Allow is also empty if no line
	// could permit it.
	Rule, Allow string

	ruleForTenant string // Rule without a position in the operator's files
}

// The values of Entry.May say what a tenant may do with a key.
const (
	MaySet   = "set"
	MayLower = "lower" // set to at most the value in the operator's settings
	MayNot   = "no"
)

// ForTenant returns the entry as the tenant itself may see it. It removes positions in the operator's
// files. It removes the value of a key that the operator has set if the tenant may not set the key.
func (e Entry) ForTenant() Entry {
	e.Rule = e.ruleForTenant
	if e.Own {
		return e
	}
	e.Pos = Pos{}
	if e.May == MayNot && e.Dropped == "" {
		e.Value, e.Withheld = nil, true
	}
	return e
}

// Explain returns every effective key, sorted by path. It leaves out keys that only the defaults
// of a plugin set. Each call repeats the merge, with the documents and schemas that e was built
// from.
func (e *Effective) Explain() []Entry {
	a := e.inputs.merge()
	if a == nil {
		return nil
	}
	var entries []Entry
	for key, value := range a.tree {
		c, _ := tenantSchema().cursor().key(key)
		if schema := a.schemas[key]; schema != nil {
			c = schema.cursor()
		}
		a.explain(c, value, Path{key}, &entries)
	}
	a.layers.provenance.each(nil, func(path Path, p *provenanceTree) {
		if why := p.foreign; why != nil {
			entries = append(entries, Entry{
				Path: path, Own: why.layer == ownLayer, Layer: why.layer.String(), Pos: why.pos, May: MayNot, Dropped: why.String(),
			})
		}
		why := p.dropped
		if why == nil {
			return
		}
		entries = append(entries, Entry{
			Path: path, Own: why.layer == ownLayer, Layer: why.layer.String(), Pos: why.pos, Secret: true, May: MayNot,
			Dropped: fmt.Sprintf("the %s changed `%s`, and has to bring a secret of its own", why.layer, why.block.with(why.endpoint...)),
		})
	})
	slices.SortFunc(entries, func(x, y Entry) int { return strings.Compare(x.Path.key(), y.Path.key()) })
	return entries
}

// explain appends the entries of the value at path and of all values below it.
func (a *tenantMerge) explain(c cursor, value any, path Path, entries *[]Entry) {
	if m, ok := value.(map[string]any); ok {
		for key, item := range m {
			next, _ := c.key(key)
			if schema := a.schemas[path.with(key).key()]; schema != nil {
				next = schema.cursor() // a nested block
			}
			if len(path) == 1 && isHosts(path[0], key) {
				next, _ = tenantSchema().cursor().at(path.with(key), nil)
			}
			a.explain(next, item, path.with(key), entries)
		}
		return
	}
	if list, ok := value.([]any); ok && len(list) > 0 && slices.Equal(path, fallbackPath()) {
		for i, item := range list {
			at := path.with(strconv.Itoa(i))
			next := c.item(i)
			if schema := a.schemas[at.key()]; schema != nil {
				next = schema.cursor()
			}
			a.explain(next, item, at, entries)
		}
		return
	}
	from := a.layers.provenance.nearest(path)
	rule := a.ruling(path, c.marks)
	e := Entry{Own: from.layer == ownLayer, May: rule.may(), Rule: rule.text(), ruleForTenant: rule.forTenant(), Allow: rule.allow, Path: path, Layer: from.layer.String(), Pos: from.pos, PerHost: isPerHost(path)}
	e.Value = c.transform(value, path, func(path Path, value any, m marks) any {
		if _, text := value.(string); m.secret || text && a.isSealed(path) {
			e.Secret = true
			return secretPlaceholder
		}
		return value
	})
	*entries = append(*entries, e)
}

// isHosts reports whether the host, and not the plugin, reads the key of the block name.
func isHosts(name, key string) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.path[0] == name && b.isHosts(key) })
}
