package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// MergePatch applies a JSON merge patch (RFC 7396) to old and returns the result. A null in the
// patch removes the key, maps are merged key by key, and any other value replaces. Therefore a
// patch cannot set a key to null. MergePatch modifies neither document; old may be nil. Keys from
// the patch keep their positions. Keys from old have only a file name as position.
//
// secrets are the paths of the secrets in old. [CheckRestored] later checks the secrets that the
// patch leaves in place. The error is [Problems] if the result has more values than a document
// may have.
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
			out.kept = append(out.kept, keptSecret{at: path, from: path})
		}
	}
	return out, nil
}

// patcher applies one merge patch.
type patcher struct {
	stays  map[string]bool // paths, as Path.key, of the values of old that the patch leaves in place
	values int
}

// merge applies patch to the entries of target and returns the result.
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
			continue // merged in the loop above, or a null without effect
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

// mergeMap returns the entry e of the patch, whose value is the map patch, with that map merged
// into target.
func (p *patcher) mergeMap(e entry, target, patch mapping, path Path) entry {
	p.values++
	e.value = p.merge(target, patch, path)
	return e
}

// count adds a value of the patch, and all values inside it, to the number of values.
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

// keep returns a copy of an entry of old without its position, and records its path in p.stays.
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
