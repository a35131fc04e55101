package config

import (
	"fmt"
	"strconv"
)

// node is a parsed value with its position. The node of a map or a list has child nodes.
type node struct {
	key      string // key of the value in its map; empty in a list
	pos      Pos    // position of the key; in a list, position of the value
	kind     nodeKind
	scalar   any // nil, bool, int64, float64, string or envText
	children []node
	byKey    map[string]int // maps a key to its index in children; built when a map has manyChildren
}

// manyChildren is the number of children from which a map gets an index of its keys.
const manyChildren = 16

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// value returns the value of the node as maps, lists and scalars.
func (n *node) value() any { return plain((&Document{}).keep(*n, nil)) }

// child returns the child of a map with that key, or nil if there is none.
func (n *node) child(key string) *node {
	if n.kind != mapNode {
		return nil
	}
	if len(n.children) >= manyChildren {
		if n.byKey == nil {
			n.byKey = make(map[string]int, 2*len(n.children))
		}
		for i := len(n.byKey); i < len(n.children); i++ {
			n.byKey[n.children[i].key] = i
		}
		if i, ok := n.byKey[key]; ok {
			return &n.children[i]
		}
		return nil
	}
	for i := range n.children {
		if n.children[i].key == key {
			return &n.children[i]
		}
	}
	return nil
}

// builder creates the nodes of one document and collects the problems.
type builder struct {
	name     string
	problems Problems
	values   int // number of values counted by tooMany
}

func (b *builder) addProblem(pos Pos, path Path, message, expected string) {
	b.problems = append(b.problems, Problem{Pos: pos, Path: path, Message: message, Expected: expected})
}

// add adds n to the map parent. If the key of n is invalid or already in the map, add adds a
// problem instead.
func (b *builder) add(parent *node, path Path, n node) {
	if bad := checkKey(n.key); bad != "" {
		b.addProblem(n.pos, path, bad, "")
		return
	}
	if first := parent.child(n.key); first != nil {
		b.addProblem(n.pos, path, "is given twice; first at "+shortPos(first.pos), "")
		return
	}
	parent.children = append(parent.children, n)
}

// number parses text as a number and stores the result in n. If text is not a number, it adds a
// problem and returns false.
func (b *builder) number(n *node, path Path, text string) bool {
	value, bad := decimal(text)
	if bad != "" {
		b.addProblem(n.pos, path, bad, "a finite decimal number, or a text in quotes")
		return false
	}
	n.scalar = value
	return true
}

// tooDeep reports whether a path has too many levels or too many bytes, and adds a problem if so.
func (b *builder) tooDeep(pos Pos, path Path) bool {
	size := 0
	for _, segment := range path {
		size += len(segment)
	}
	switch {
	case len(path) > maxDepth:
		b.addProblem(pos, path[:1], "is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
	case size > maxPath && len(path) > 1: // checkKey reports a single key that is too long
		b.addProblem(pos, path[:1], fmt.Sprintf("is below keys of %d bytes together", size), fmt.Sprintf("at most %d", maxPath))
	default:
		return false
	}
	return true
}

// tooMany counts one value and reports whether the document now has too many. It adds a problem
// only once, because the parser stops after the first excess value.
func (b *builder) tooMany(pos Pos) bool {
	if b.values++; b.values == maxValues+1 {
		b.addProblem(pos, nil, fmt.Sprintf("is beyond the first %d keys and elements of the document", maxValues),
			fmt.Sprintf("at most %d", maxValues))
	}
	return b.values > maxValues
}

// shortPos returns the line and column of p for a message that already names the file.
func shortPos(p Pos) string {
	return "line " + strconv.Itoa(p.Line) + ", column " + strconv.Itoa(p.Column)
}
