package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// maxDepth and maxSize bound a document: parsers recurse, and a document that
// somebody sends must not be able to exhaust the stack or the memory.
const (
	maxDepth = 64
	maxSize  = 1 << 20
)

// Document is one parsed source: a nested map, and the position of every key. It
// is not changed after it was made. It may hold literal secrets, since only a
// schema tells which keys are secret; so it does not print its values.
type Document struct {
	name     string
	root     node
	problems Problems // of FromMap, which returns none; reported with the rest
}

// node is a value and where it is. A tree of nodes is a fraction of the size of
// nested maps, and a host keeps the document of every tenant.
type node struct {
	key      string // in the map that holds it
	pos      Pos    // of the key; of the value in a list
	kind     nodeKind
	scalar   any // nil, bool, int64, float64, string or envText
	children []node
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// Name is the name that the document was parsed with: its file, as a rule.
func (d *Document) Name() string { return d.name }

// Values gives the content as maps, lists and scalars (nil, bool, int64, float64,
// string), a new copy with every call. References are their "${env:NAME}" and
// "${file:PATH}" texts.
func (d *Document) Values() map[string]any {
	if d == nil || d.root.kind != mapNode {
		return map[string]any{}
	}
	return d.root.value().(map[string]any)
}

// Pos gives the position of the key at path, or of the nearest key above it.
func (d *Document) Pos(path Path) Pos {
	if d == nil {
		return Pos{}
	}
	at, pos := &d.root, Pos{File: d.name}
	for _, segment := range path {
		if at = at.child(segment); at == nil {
			break
		}
		pos = at.pos
	}
	return pos
}

// Format writes the document's name whatever the verb: the values may be secret.
func (d *Document) Format(s fmt.State, _ rune) {
	if d == nil {
		_, _ = io.WriteString(s, "no document")
		return
	}
	_, _ = io.WriteString(s, "document "+d.name)
}

func (n *node) value() any {
	switch n.kind {
	case mapNode:
		m := make(map[string]any, len(n.children))
		for i := range n.children {
			m[n.children[i].key] = n.children[i].value()
		}
		return m
	case listNode:
		l := make([]any, len(n.children))
		for i := range n.children {
			l[i] = n.children[i].value()
		}
		return l
	default:
		return n.scalar
	}
}

// child gives the child with that key, or with that index in a list, or nil.
func (n *node) child(segment string) *node {
	if n.kind == listNode {
		i, err := strconv.Atoi(segment)
		if err != nil || i < 0 || i >= len(n.children) {
			return nil
		}
		return &n.children[i]
	}
	for i := range n.children {
		if n.children[i].key == segment {
			return &n.children[i]
		}
	}
	return nil
}

// FromMap makes a document of a library caller's map, which is copied: bool, all
// integers and floats, string, nil, secret.Text, and maps with string keys and
// slices of these. Anything else is a problem that [LoadHost] or [Host.Tenant]
// reports. Positions are the name alone.
func FromMap(name string, m map[string]any) *Document {
	d := &Document{name: name, root: node{kind: mapNode}}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		d.put(&d.root, Path{key}, key, m[key], 0)
	}
	return d
}

// RestoreSecrets gives a copy of new in which every "<secret>" text is replaced
// by the scalar that old has at the same path: what somebody got shown and sends
// back means "as it was". A placeholder for which old has nothing stays, and is
// a problem once its key turns out to be secret. Neither document is changed, and
// either may be nil.
func RestoreSecrets(new, old *Document) *Document {
	if new == nil || old == nil {
		return new
	}
	return new.mapText(func(path Path, text string) any {
		if text != secretPlaceholder {
			return text
		}
		at := &old.root
		for _, segment := range path {
			if at = at.child(segment); at == nil {
				return text
			}
		}
		if at.kind != scalarNode {
			return text
		}
		return at.scalar
	})
}

// ReplaceText gives a copy of d in which replace has been asked for the text at
// each of the paths (of those that are there and are texts). It is for what is
// done with the secrets of a document that is stored or shown: sealing, opening
// and covering them; [Effective.TenantSecrets] gives the paths.
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

func (d *Document) mapText(f func(Path, string) any) *Document {
	out := *d
	out.root = d.root.mapText(nil, f)
	return &out
}

func (n node) mapText(path Path, f func(Path, string) any) node {
	if text, ok := n.scalar.(string); ok {
		n.scalar = f(path, text)
	}
	children := n.children
	n.children = make([]node, len(children))
	for i := range children {
		segment := children[i].key
		if n.kind == listNode {
			segment = strconv.Itoa(i)
		}
		n.children[i] = children[i].mapText(path.with(segment), f)
	}
	return n
}
