package config

import (
	"fmt"
	"io"
	"strconv"
	"unique"

	"github.com/botyard/botyard/host/bounds"
)

// These bound a document: parsers recurse, and a document that somebody sends must
// not be able to exhaust the stack, the memory or the time of others.
const (
	maxDepth = bounds.DocumentDepth // levels
	maxKey   = bounds.KeyBytes      // bytes of a key
	maxPath  = bounds.PathBytes     // bytes of the keys that lead to a value
)

// Variables only for the test that far larger documents take time in proportion.
var (
	maxSize   = bounds.DocumentBytes  // bytes
	maxValues = bounds.DocumentValues // keys of maps and elements of lists, at all levels together
)

// Document is one parsed source: a nested map, and the position of every key. It
// is not changed after it was made. It may hold literal secrets, since only a
// schema tells which keys are secret; so it does not print its values.
type Document struct {
	name     string
	keys     mapping
	problems Problems          // of FromMap, which returns none; reported with the rest
	kept     []Path            // what RestoreSecrets took from another document
	sealed   map[string]bool   // keys of the paths of texts that are secret whatever a schema says
	files    map[string]string // by Path.key, of keys that are from elsewhere than name
}

// entry is a key of a map, or an element of a list, and its position. A tree of
// them is a fraction of the size of nested maps, and a host keeps the document of
// every tenant.
type entry struct {
	key          string
	value        any // nil, bool, int64, float64, string, envText, mapping or sequence
	line, column int32
}

type (
	mapping  []entry
	sequence []entry
)

// newDocument keeps what a parser built.
func newDocument(name string, root node) *Document {
	d := &Document{name: name}
	d.keys, _ = d.keep(root, nil).(mapping)
	return d
}

func (d *Document) keep(n node, path Path) any {
	if n.kind == scalarNode {
		return n.scalar
	}
	entries := make([]entry, len(n.children))
	for i, child := range n.children {
		segment := child.key
		if n.kind == listNode {
			segment = strconv.Itoa(i)
		}
		below := path.with(segment)
		// One copy of each name, not one for each tenant.
		entries[i] = entry{
			key: unique.Make(child.key).Value(), value: d.keep(child, below),
			line: int32(child.pos.Line), column: int32(child.pos.Column),
		}
		if child.pos.File != d.name {
			if d.files == nil {
				d.files = map[string]string{}
			}
			d.files[below.key()] = child.pos.File
		}
	}
	if n.kind == listNode {
		return sequence(entries)
	}
	return mapping(entries)
}

// Name is the name that the document was parsed with: its file, as a rule.
func (d *Document) Name() string { return d.name }

// Values gives the content as maps, lists and scalars (nil, bool, int64, float64,
// string), a new copy with every call. References are their "${env:NAME}" and
// "${file:PATH}" texts.
func (d *Document) Values() map[string]any {
	if d == nil {
		return map[string]any{}
	}
	return plain(d.keys).(map[string]any)
}

func plain(value any) any {
	switch v := value.(type) {
	case mapping:
		m := make(map[string]any, len(v))
		for _, e := range v {
			m[e.key] = plain(e.value)
		}
		return m
	case sequence:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = plain(e.value)
		}
		return l
	}
	return value
}

// Pos gives the position of the key at path, or of the nearest key above it.
func (d *Document) Pos(path Path) Pos {
	if d == nil {
		return Pos{}
	}
	pos := Pos{File: d.name}
	var at any = d.keys
	for i, segment := range path {
		e := childOf(at, segment)
		if e == nil {
			break
		}
		pos = Pos{File: d.name, Line: int(e.line), Column: int(e.column)}
		if file, ok := d.files[path[:i+1].key()]; ok {
			pos.File = file
		}
		at = e.value
	}
	return pos
}

// below gives the entry with that key, or with that index in a list, or nil.
func childOf(value any, segment string) *entry {
	switch v := value.(type) {
	case mapping:
		for i := range v {
			if v[i].key == segment {
				return &v[i]
			}
		}
	case sequence:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(v) {
			return &v[i]
		}
	}
	return nil
}

// has says whether the document gives the key of that name at its top level.
func (d *Document) has(key string) bool { return childOf(d.keys, key) != nil }

// Count returns how many keys of maps and elements of lists d has, at all levels together.
func (d *Document) Count() int {
	if d == nil {
		return 0
	}
	return countOf(d.keys)
}

func countOf(value any) int {
	var below []entry
	switch v := value.(type) {
	case mapping:
		below = v
	case sequence:
		below = v
	}
	n := len(below)
	for _, e := range below {
		n += countOf(e.value)
	}
	return n
}

// Format writes the document's name whatever the verb: the values may be secret.
func (d *Document) Format(s fmt.State, _ rune) {
	if d == nil {
		_, _ = io.WriteString(s, "no document")
		return
	}
	_, _ = io.WriteString(s, "document "+d.name)
}

// at gives what is at the path, nil if there is nothing.
func (d *Document) at(path Path) *entry {
	var value any = d.keys
	var e *entry
	for _, segment := range path {
		if e = childOf(value, segment); e == nil {
			return nil
		}
		value = e.value
	}
	return e
}

// keysOf returns the entries of the map at the path.
func (d *Document) keysOf(path Path) mapping {
	e := d.at(path)
	if e == nil {
		return nil
	}
	m, _ := e.value.(mapping)
	return m
}
