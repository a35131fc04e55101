package config

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is one key of an effective configuration, with its provenance. A list is one entry.
type Entry struct {
	Path   Path   // in the tenant's terms: without "defaults"
	Value  any    // a scalar, or a list; "<secret>" stands for every secret
	Layer  string // "built-in defaults", "host file", "overlay file", "environment", "plan", "tenant" or "tenant's own settings"
	Pos    Pos
	Secret bool
	// PerHost says that each host counts for itself. Three hosts let three times as much
	// through.
	PerHost bool
	// Dropped says why an inherited secret is not effective; empty otherwise. A layer changed
	// where the secret would be sent. Value is nil then, and Layer and Pos are of that change.
	Dropped string
	// May says whether the tenant may set the key in its own settings: MaySet, MayLower or
	// MayNot.
	May string
	// Rule says why the tenant may not set the key; empty where it may. Allow is the line of
	// the host file that would let it; empty where it may, and where no line would.
	Rule, Allow string
}

// These are the values of Entry.May.
const (
	MaySet   = "set"
	MayLower = "lower" // to at most the value in the operator's settings
	MayNot   = "no"
)

// Explain returns every effective key, sorted by path. Keys that only a plugin's own defaults
// have are not among them. Each call merges the layers again, from the documents and schemas of
// the time when e was made.
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
		why := p.dropped
		if why == nil {
			return
		}
		entries = append(entries, Entry{
			Path: path, Layer: why.layer.String(), Pos: why.pos, Secret: true, May: MayNot,
			Dropped: fmt.Sprintf("the %s changed `%s`, and has to bring a secret of its own", why.layer, Path{path[0]}.with(why.endpoint...)),
		})
	})
	slices.SortFunc(entries, func(x, y Entry) int { return strings.Compare(x.Path.key(), y.Path.key()) })
	return entries
}

// explain adds the entries of a value and of all below it.
func (a *tenantMerge) explain(c cursor, value any, path Path, entries *[]Entry) {
	if m, ok := value.(map[string]any); ok {
		for key, item := range m {
			next, _ := c.key(key)
			if len(path) == 1 && isHosts(path[0], key) {
				next, _ = tenantSchema().cursor().at(path.with(key), nil)
			}
			a.explain(next, item, path.with(key), entries)
		}
		return
	}
	from := a.layers.provenance.nearest(path)
	rule := a.ruling(path, c.marks)
	e := Entry{May: rule.may(), Rule: rule.rule, Allow: rule.allow, Path: path, Layer: from.layer.String(), Pos: from.pos, PerHost: isPerHost(path)}
	e.Value = c.transform(value, path, func(path Path, value any, m marks) any {
		if _, text := value.(string); m.secret || text && a.isSealed(path) {
			e.Secret = true
			return secretPlaceholder
		}
		return value
	})
	*entries = append(*entries, e)
}

// isHosts reports whether a key of a block is the host's and not the plugin's.
func isHosts(name, key string) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.key == name && b.isHosts(key) })
}
