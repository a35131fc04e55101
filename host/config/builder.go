package config

import (
	"fmt"
	"strconv"
)

// node is what the parsers build: a value, where it is, and what it is in.
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

// value gives it as a schema would see it.
func (n *node) value() any { return plain((&Document{}).keep(*n, nil)) }

// child gives the child of a map with that key, or nil.
func (n *node) child(key string) *node {
	for i := range n.children {
		if n.kind == mapNode && n.children[i].key == key {
			return &n.children[i]
		}
	}
	return nil
}

// builder makes the nodes of one document and collects its problems.
type builder struct {
	name     string
	problems Problems
}

func (b *builder) refuse(pos Pos, path Path, message, expected string) {
	b.problems = append(b.problems, Problem{Pos: pos, Path: path, Message: message, Expected: expected})
}

// add puts n into a map unless its key is bad or taken.
func (b *builder) add(parent *node, path Path, n node) {
	if bad := checkKey(n.key); bad != "" {
		b.refuse(n.pos, path, bad, "")
		return
	}
	if first := parent.child(n.key); first != nil {
		b.refuse(n.pos, path, "is given twice; first at "+shortPos(first.pos), "")
		return
	}
	parent.children = append(parent.children, n)
}

// number makes a scalar of a number's text.
func (b *builder) number(n *node, path Path, text string) bool {
	value, bad := decimal(text)
	if bad != "" {
		b.refuse(n.pos, path, bad, "a finite decimal number, or a text in quotes")
		return false
	}
	n.scalar = value
	return true
}

// tooDeep refuses what is nested more than maxDepth levels.
func (b *builder) tooDeep(pos Pos, path Path) bool {
	if len(path) <= maxDepth {
		return false
	}
	b.refuse(pos, path[:1], "is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
	return true
}

// shortPos leaves out the file, where the reader knows it.
func shortPos(p Pos) string {
	return "line " + strconv.Itoa(p.Line) + ", column " + strconv.Itoa(p.Column)
}
