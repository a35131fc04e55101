package config

import (
	"strings"

	"maps"
	"slices"
	"strconv"
)

// ReplaceText returns a copy of d in which replace has replaced the texts at the given paths.
// Paths without a text are skipped. Callers use ReplaceText to seal or hide the secrets of a
// document before they store or show it; [Effective.TenantSecrets] returns the paths.
func (d *Document) ReplaceText(paths []Path, replace func(path Path, text string) string) *Document {
	if d == nil {
		return nil
	}
	wanted := make(map[string]bool, len(paths))
	for _, path := range paths {
		wanted[path.key()] = true
	}
	return d.mapText(func(path Path, text string) any {
		if !wanted[path.key()] {
			return text
		}
		return replace(path, text)
	})
}

// MarkSecret returns a copy of d in which the texts at the paths count as secret, even if the
// plugin's schema does not mark their keys. Callers mark the texts that were stored as secrets,
// so that a new schema version of the plugin cannot reveal them.
func (d *Document) MarkSecret(paths []Path) *Document {
	if d == nil || len(paths) == 0 {
		return d
	}
	out := *d
	out.sealed = maps.Clone(d.sealed)
	if out.sealed == nil {
		out.sealed = map[string]bool{}
	}
	for _, path := range paths {
		out.sealed[path.key()] = true
	}
	return &out
}

// isSealed reports whether MarkSecret marked the text at the path.
func (d *Document) isSealed(path Path) bool { return d != nil && d.sealed[path.key()] }

// mapText returns a copy of d in which each text is replaced by the result of f.
func (d *Document) mapText(f func(Path, string) any) *Document {
	out := *d
	out.keys, _ = mapTexts(d.keys, nil, f).(mapping)
	return &out
}

// mapTexts returns a copy of value in which each text is replaced by the result of f.
func mapTexts(value any, path Path, f func(Path, string) any) any {
	switch v := value.(type) {
	case mapping:
		out := slices.Clone(v)
		for i := range out {
			out[i].value = mapTexts(out[i].value, path.with(out[i].key), f)
		}
		return out
	case sequence:
		out := slices.Clone(v)
		for i := range out {
			out[i].value = mapTexts(out[i].value, path.with(strconv.Itoa(i)), f)
		}
		return out
	case string:
		return f(path, v)
	}
	return value
}

// subDocument returns the map at the path as a document of its own. The keys keep their
// positions.
func (d *Document) subDocument(path Path) *Document {
	out := &Document{name: d.name}
	if e := d.at(path); e != nil {
		out.keys, _ = e.value.(mapping)
	}
	root := path.key() + separator
	for key, file := range d.files {
		if rest, ok := strings.CutPrefix(key, root); ok {
			if out.files == nil {
				out.files = map[string]string{}
			}
			out.files[rest] = file
		}
	}
	return out
}

// without returns a copy of d without the given top-level keys.
func (d *Document) without(keys ...string) *Document {
	out := *d
	out.keys = slices.DeleteFunc(slices.Clone(d.keys), func(e entry) bool { return slices.Contains(keys, e.key) })
	return &out
}

// only returns a document that contains only the entry e, moved to path. The entry keeps its
// position. With a nil entry the document is empty.
func (d *Document) only(e *entry, path Path) *Document {
	out := &Document{name: d.name}
	if e == nil {
		return out
	}
	at := entry{key: path[len(path)-1], value: e.value, line: e.line, column: e.column}
	for i := len(path) - 2; i >= 0; i-- {
		at = entry{key: path[i], value: mapping{at}, line: e.line, column: e.column}
	}
	out.keys = mapping{at}
	return out
}

// withoutPaths returns a copy of d without the keys whose Path.key is in refused.
func (d *Document) withoutPaths(refused map[string]bool) *Document {
	if len(refused) == 0 {
		return d
	}
	out := *d
	out.keys = withoutPaths(d.keys, nil, refused)
	return &out
}

func withoutPaths(entries mapping, path Path, refused map[string]bool) mapping {
	out := make(mapping, 0, len(entries))
	for _, e := range entries {
		at := path.with(e.key)
		if refused[at.key()] {
			continue
		}
		if m, ok := e.value.(mapping); ok {
			e.value = withoutPaths(m, at, refused)
		}
		out = append(out, e)
	}
	return slices.Clip(out)
}

// Marked returns the paths of the texts that [Document.MarkSecret] marked, sorted.
func (d *Document) Marked() []Path {
	if d == nil {
		return nil
	}
	var out []Path
	for _, key := range slices.Sorted(maps.Keys(d.sealed)) {
		out = append(out, strings.Split(key, separator))
	}
	return out
}
