package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// MergePatch gives what a JSON merge patch (RFC 7396) makes of a document: a null in the
// patch takes the key away, maps are merged key by key, all else replaces. So a patch
// cannot write a null: that takes the whole document. Neither is changed, and old may be
// nil. Positions are those of the patch, and its name alone for what stays of old.
//
// The paths are those of old's secrets. One that stays counts as kept, for
// [CheckRestored]. Errors are [Problems]: the result has more values than a document may.
func MergePatch(old, patch *Document, secrets []Path) (*Document, error) {
	out := &Document{name: patch.name, problems: slices.Clone(patch.problems), files: patch.files}
	p := patcher{stays: map[string]bool{}}
	var before mapping
	if old != nil {
		out.problems = append(out.problems, old.problems...)
		out.sealed = maps.Clone(old.sealed)
		before = old.keys
	}
	out.keys = p.merge(before, patch.keys, nil)
	if p.values > maxValues {
		return nil, Problems{{Pos: Pos{File: patch.name}, Message: fmt.Sprintf("makes a document of %d keys and elements", p.values),
			Expected: fmt.Sprintf("at most %d", maxValues)}}
	}
	for _, path := range secrets {
		if p.stays[path.key()] {
			out.kept = append(out.kept, path)
		}
	}
	return out, nil
}

// patching is one merge patch at work.
type patcher struct {
	stays  map[string]bool // keys of the paths of old that stay
	values int
}

func (p *patcher) merge(target, patch mapping, path Path) mapping {
	out := mapping{}
	changes := make(map[string]*entry, len(patch))
	for i := range patch {
		changes[patch[i].key] = &patch[i]
	}
	for _, e := range target {
		at := path.with(e.key)
		change := changes[e.key]
		if change == nil {
			out = append(out, p.keep(e, at))
			continue
		}
		delete(changes, e.key)
		if into, isMap := change.value.(mapping); isMap {
			from, _ := e.value.(mapping)
			out = append(out, p.mergeMap(*change, from, into, at))
			continue
		}
		if change.value != nil {
			p.count(change.value)
			out = append(out, *change)
		}
	}
	for _, e := range patch {
		if changes[e.key] == nil || e.value == nil {
			continue // it was there, or is nothing to take away
		}
		if into, isMap := e.value.(mapping); isMap {
			out = append(out, p.mergeMap(e, nil, into, path.with(e.key)))
			continue
		}
		p.count(e.value)
		out = append(out, e)
	}
	return out
}

// mergeMap gives the entry of a map in the patch, merged into what was there.
func (p *patcher) mergeMap(e entry, target, patch mapping, path Path) entry {
	p.values++
	e.value = p.merge(target, patch, path)
	return e
}

func (p *patcher) count(value any) {
	p.values++
	switch v := value.(type) {
	case mapping:
		for _, e := range v {
			p.count(e.value)
		}
	case sequence:
		for _, e := range v {
			p.count(e.value)
		}
	}
}

// keep gives what was at the path, which stays.
func (p *patcher) keep(e entry, path Path) entry {
	p.values++
	p.stays[path.key()] = true
	e.line, e.column = 0, 0
	switch v := e.value.(type) {
	case mapping:
		below := make(mapping, len(v))
		for i, item := range v {
			below[i] = p.keep(item, path.with(item.key))
		}
		e.value = below
	case sequence:
		below := make(sequence, len(v))
		for i, item := range v {
			below[i] = p.keep(item, path.with(strconv.Itoa(i)))
		}
		e.value = below
	}
	return e
}
