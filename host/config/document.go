package config

import (
	"fmt"
	"io"
	"strconv"
	"unique"

	"github.com/botyard/botyard/host/bounds"
)

// These bound a document. Parsers recurse, and nobody's document may exhaust the stack, the
// memory or the time of others.
const (
	maxDepth = bounds.DocumentDepth // levels
	maxKey   = bounds.KeyBytes      // bytes of a key
	maxPath  = bounds.PathBytes     // bytes of all keys on the path to a value
)

// These are variables for one test alone: it reads far larger documents, to show that time grows
// in proportion.
var (
	maxSize   = bounds.DocumentBytes  // bytes
	maxValues = bounds.DocumentValues // keys of maps and elements of lists, at all levels together
)

// Document is one parsed source: a nested map, and the position of each key. It is not changed
// once it was made. It may hold literal secrets, since only a schema tells which keys are secret;
// so it never prints its values.
type Document struct {
	name     string
	keys     mapping
	problems Problems          // found by FromMap; reported with those of the merge
	kept     []Path            // paths of secrets that RestoreSecrets took from another document
	sealed   map[string]bool   // by Path.key, the texts that are secret whatever a schema says
	files    map[string]string // by Path.key, the files of keys that are not from the file name
}

// entry is a key of a map or an element of a list, with its position. A tree of entries is much
// smaller than nested maps. That counts, because a host keeps the document of every tenant.
type entry struct {
	key          string
	value        any // nil, bool, int64, float64, string, envText, mapping or sequence
	line, column int32
}

type (
	mapping  []entry
	sequence []entry
)

// newDocument returns the document of what a parser read.
func newDocument(name string, root node) *Document {
	d := &Document{name: name}
	d.keys, _ = d.keep(root, nil).(mapping)
	return d
}

// keep returns the value of a node as entries. A name that many documents have is stored once.
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

// Name returns the name that the document was parsed with. For a file it is its path.
func (d *Document) Name() string { return d.name }

// Values returns the content as maps, lists and scalars (nil, bool, int64, float64, string). Each
// call returns a new copy. A reference is the text "${env:NAME}" or "${file:PATH}".
func (d *Document) Values() map[string]any {
	if d == nil {
		return map[string]any{}
	}
	return plain(d.keys).(map[string]any)
}

// plain returns the value of an entry as maps, lists and scalars.
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

// Pos returns the position of the key at path, or of the nearest key above it.
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

// childOf returns the entry of a map with that key, or the entry of a list with that index; nil
// if there is none.
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

// has reports whether the document has the key at its top level.
func (d *Document) has(key string) bool { return childOf(d.keys, key) != nil }

// Count returns the number of keys and list elements, at all levels together.
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

// Format writes the name of the document for every verb, because the values may be secret.
func (d *Document) Format(s fmt.State, _ rune) {
	if d == nil {
		_, _ = io.WriteString(s, "no document")
		return
	}
	_, _ = io.WriteString(s, "document "+d.name)
}

// at returns the entry at the path; nil if there is none.
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
