package config

import (
	"fmt"
	"io"
	"strconv"
	"unique"

	"github.com/botyard/botyard/host/bounds"
)

// These constants bound a document. Parsers recurse, so a larger document of one tenant could
// exhaust the stack or the memory of the host, or delay other tenants.
const (
	maxDepth = bounds.DocumentDepth // levels of nesting
	maxKey   = bounds.KeyBytes      // bytes of a key
	maxPath  = bounds.PathBytes     // bytes of all keys on the path to a value, together
)

// These bounds are variables so that TestDocument_large can raise them. That test reads far
// larger documents to show that the time grows in proportion to the size.
var (
	maxSize   = bounds.DocumentBytes  // bytes of a document
	maxValues = bounds.DocumentValues // keys of maps and elements of lists, at all levels together
)

// Document is the parsed form of one source: a nested map with the position of each key. A
// Document is immutable. It may hold literal secrets, because only a plugin's schema tells which
// keys are secret. Therefore it never prints its values.
type Document struct {
	name     string
	keys     mapping
	problems Problems          // problems of FromMap and of environment variables; reported with the problems of the merge
	kept     []keptSecret      // secrets that stay from an older document, for CheckRestored
	sealed   map[string]bool   // paths, as Path.key, of the texts that MarkSecret marked as secret
	files    map[string]string // maps Path.key to the file of the key, for keys whose file is not name
}

// entry is a key of a map or an element of a list, with its position. A tree of entries needs
// much less memory than nested maps. The host keeps the documents of every tenant in memory.
type entry struct {
	key          string
	value        any // nil, bool, int64, float64, string, envText, mapping or sequence
	line, column int32
}

type (
	mapping  []entry
	sequence []entry
)

// newDocument returns the document with the values of root, the node tree of a parser.
func newDocument(name string, root node) *Document {
	d := &Document{name: name}
	d.keys, _ = d.keep(root, nil).(mapping)
	return d
}

// keep returns the value of a node as entries. Equal key names of different documents share one
// string in memory.
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

// Name returns the name that the document was parsed with. The name of a file's document is the
// path of the file.
func (d *Document) Name() string { return d.name }

// Values returns the content of the document as maps, lists and scalars (nil, bool, int64,
// float64, string). Each call returns a new copy. A reference is the text "${env:NAME}" or
// "${file:PATH}".
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

// Pos returns the position of the key at path. If the document does not have the key, Pos returns
// the position of the nearest key above it.
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

// childOf returns the entry with that key if value is a map, and the entry with that index if
// value is a list. It returns nil if there is no such entry.
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

// at returns the entry at the path, or nil if there is none.
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
