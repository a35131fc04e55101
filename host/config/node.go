package config

import (
	"fmt"
	"strconv"
)

// node is a parsed value with its position. For a map or a list it has the nodes in it.
type node struct {
	key      string // its key in a map; empty in a list
	pos      Pos    // position of the key; in a list, of the value
	kind     nodeKind
	scalar   any // nil, bool, int64, float64, string or envText
	children []node
	byKey    map[string]int // index of children; once there are manyChildren
}

// manyChildren is the number of children from which on a map has an index.
const manyChildren = 16

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// value returns the node as maps, lists and scalars.
func (n *node) value() any { return plain((&Document{}).keep(*n, nil)) }

// child returns the child of a map with that key; nil for none.
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

// builder makes the nodes of one document and collects its problems.
type builder struct {
	name     string
	problems Problems
	values   int // counted so far by tooMany
}

func (b *builder) addProblem(pos Pos, path Path, message, expected string) {
	b.problems = append(b.problems, Problem{Pos: pos, Path: path, Message: message, Expected: expected})
}

// add adds n to a map. A bad key, or one that is there already, is a problem instead.
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

// number sets n to the number that a text is, and reports whether it is one.
func (b *builder) number(n *node, path Path, text string) bool {
	value, bad := decimal(text)
	if bad != "" {
		b.addProblem(n.pos, path, bad, "a finite decimal number, or a text in quotes")
		return false
	}
	n.scalar = value
	return true
}

// tooDeep reports whether a path has too many levels or bytes, and adds the problem.
func (b *builder) tooDeep(pos Pos, path Path) bool {
	size := 0
	for _, segment := range path {
		size += len(segment)
	}
	switch {
	case len(path) > maxDepth:
		b.addProblem(pos, path[:1], "is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth))
	case size > maxPath && len(path) > 1: // a single key that is too long is another problem
		b.addProblem(pos, path[:1], fmt.Sprintf("is below keys of %d bytes together", size), fmt.Sprintf("at most %d", maxPath))
	default:
		return false
	}
	return true
}

// tooMany counts a value and reports whether there are too many. It adds the problem once, since
// nothing after it is read.
func (b *builder) tooMany(pos Pos) bool {
	if b.values++; b.values == maxValues+1 {
		b.addProblem(pos, nil, fmt.Sprintf("is beyond the first %d keys and elements of the document", maxValues),
			fmt.Sprintf("at most %d", maxValues))
	}
	return b.values > maxValues
}

// shortPos returns the position without the file, for a message that names it.
func shortPos(p Pos) string {
	return "line " + strconv.Itoa(p.Line) + ", column " + strconv.Itoa(p.Column)
}
