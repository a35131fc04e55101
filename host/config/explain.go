package config

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is one key of an effective configuration and where it was set. A list is
// one entry.
type Entry struct {
	Path   Path   // in the tenant's terms: without "defaults"
	Value  any    // a scalar, or a list; "<secret>" stands for every secret
	Layer  string // "built-in defaults", "host file", "overlay file", "environment", "plan", "tenant" or "tenant's own settings"
	Pos    Pos
	Secret bool
	// PerHost says that each host counts for itself: so many hosts let so many times as
	// much through.
	PerHost bool
	// Fell, unless empty, says why an inherited secret is not effective: a layer changed
	// where it would be sent. Value is nil then, and Layer and Pos are of that change.
	Dropped string
	// May is what the tenant itself may do with the key, in its own settings: MaySet,
	// MayLower or MayNot.
	May string
	// Rule says why it may not, and Allow which line of the host file would let it; empty
	// where it may, and Allow also where no line would.
	Rule, Allow string
}

// Values of Entry.May.
const (
	MaySet   = "set"
	MayLower = "lower" // to at most what the operator's settings have
	MayNot   = "no"
)

// Explain gives every effective key, sorted by path. What a plugin's own defaults
// add is not known here. It merges the layers again, as they were.
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
			Path: path, Layer: why.layer.String(), Pos: why.pos, Secret: true, May: MayNot, // it is not there
			Dropped: fmt.Sprintf("the %s changed `%s`, and has to bring a secret of its own", why.layer, Path{path[0]}.with(why.endpoint...)),
		})
	})
	slices.SortFunc(entries, func(x, y Entry) int { return strings.Compare(x.Path.key(), y.Path.key()) })
	return entries
}

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

func isHosts(name, key string) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.key == name && b.isHosts(key) })
}
