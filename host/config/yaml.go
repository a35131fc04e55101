package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads YAML into nodes for [ParseYAML].
func parseYAML(name string, src []byte) (node, Problems) { return readYAML(name, src, strict) }

// parseKeptYAML reads YAML into nodes for [ParseKept]. It reads an empty value as null.
func parseKeptYAML(name string, src []byte) (node, Problems) { return readYAML(name, src, tolerant) }

func readYAML(name string, src []byte, tolerance tolerance) (node, Problems) {
	r := yamlReader{builder: builder{name: name}, lines: strings.Split(string(src), "\n"), tolerance: tolerance}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return node{kind: mapNode}, nil // the text has only comments
	} else if err != nil {
		r.syntax(err)
		return node{}, r.problems
	}
	root := node{}
	if len(doc.Content) == 1 {
		r.value(&root, nil, doc.Content[0])
	}
	switch {
	case root.kind == scalarNode && root.scalar == nil:
		root.kind = mapNode // the text is only "---"
	case root.kind != mapNode && len(r.problems) == 0:
		r.addProblem(root.pos, nil, "is "+typeWord(root.value()), "a map")
	}
	if err := dec.Decode(&second); err == nil {
		r.addProblem(r.at(&second), nil, "is a second YAML document", "one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	return root, r.problems
}

// yamlReader reads one YAML document into nodes.
type yamlReader struct {
	builder
	lines     []string
	tolerance tolerance // a tolerant reader reads an empty value as null; for a strict reader it is a problem
}

func (r *yamlReader) at(y *yaml.Node) Pos {
	return Pos{File: r.name, Line: y.Line, Column: y.Column}
}

// value reads y into n. It refuses values that HCL cannot express, and values such as aliases by
// which one place of the file depends on another place.
func (r *yamlReader) value(n *node, path Path, y *yaml.Node) {
	at := r.at(y)
	if n.pos == (Pos{}) {
		n.pos = at
	}
	if r.tooDeep(at, path) || r.tooMany(at) {
		return
	}
	if y.Anchor != "" {
		r.addProblem(at, path, "begins with &, which makes an anchor", "a plain value, in quotes if it is to begin with &: anchors and aliases are not supported")
	}
	if y.Style&yaml.TaggedStyle != 0 {
		r.addProblem(at, path, "begins with !, which makes a tag", "a plain value, in quotes if it is to begin with !: tags are not supported")
		return
	}
	switch y.Kind {
	case yaml.AliasNode:
		r.addProblem(at, path, "begins with *, which makes an alias", "a plain value, in quotes if it is to begin with *: anchors and aliases are not supported")
	case yaml.MappingNode:
		n.kind = mapNode
		for i := 0; i+1 < len(y.Content); i += 2 {
			r.entry(n, path, y.Content[i], y.Content[i+1])
		}
	case yaml.SequenceNode:
		n.kind = listNode
		for i, item := range y.Content {
			child := node{pos: r.at(item)}
			r.given(child.pos, path.with(strconv.Itoa(i)), item)
			r.value(&child, path.with(strconv.Itoa(i)), item)
			n.children = append(n.children, child)
		}
	default:
		r.scalar(n, path, y)
	}
}

// entry adds a key and its value to the map parent.
func (r *yamlReader) entry(parent *node, path Path, key, value *yaml.Node) {
	at := r.at(key)
	switch {
	case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
		r.addProblem(at, path, "has a merge key <<", "its keys written out: merge keys are not supported")
		return
	case key.Kind == yaml.ScalarNode && key.Anchor == "" && key.Style&yaml.TaggedStyle == 0 &&
		(key.ShortTag() == "!!str" || key.ShortTag() == "!!timestamp"):
	case key.Kind == yaml.ScalarNode:
		r.addProblem(at, path, fmt.Sprintf("has the key %s, which is not a plain text", strings.TrimSpace(key.Value)), "a text; write it in quotes")
		return
	case key.Kind == yaml.MappingNode: // for example {{name}} without quotes
		r.addProblem(at, path, "has a map for a key", "a text; in quotes if it begins with {")
		return
	default:
		r.addProblem(at, path, "has a key that is not a text", "a text")
		return
	}
	child := node{key: key.Value, pos: at}
	r.given(at, path.with(key.Value), value)
	r.value(&child, path.with(key.Value), value)
	r.add(parent, path.with(key.Value), child)
}

// given adds a problem for an empty value. YAML would read an empty value as null, and a null
// removes the inherited value. Commenting out the last line of a block must not have that effect.
func (r *yamlReader) given(at Pos, path Path, y *yaml.Node) {
	if r.tolerance == strict && y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null" && y.Value == "" && y.Style&yaml.TaggedStyle == 0 {
		r.addProblem(at, path, "is empty", "a value; null removes what is inherited, {} and [] are an empty map and list")
	}
}

// scalar reads a scalar by the rules of yaml.v3, which follow the core schema of YAML 1.2. It
// reads a timestamp as a text.
func (r *yamlReader) scalar(n *node, path Path, y *yaml.Node) {
	switch y.ShortTag() {
	case "!!null":
	case "!!bool":
		n.scalar = strings.EqualFold(y.Value, "true")
	case "!!int":
		text := strings.ReplaceAll(y.Value, "_", "")
		if lower := strings.ToLower(text); strings.ContainsAny(lower, "xob") {
			i, err := strconv.ParseInt(lower, 0, 64)
			if err != nil {
				r.addProblem(n.pos, path, outOfRange, "a decimal number")
				return
			}
			n.scalar = i
			return
		}
		r.number(n, path, text)
	case "!!float":
		r.number(n, path, strings.ReplaceAll(y.Value, "_", ""))
	default: // !!str, !!timestamp, or << as a value
		n.scalar = y.Value
	}
}
