package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// jsonReader reads one JSON document into nodes.
type jsonReader struct {
	builder
	src   []byte
	dec   *json.Decoder
	place positions
}

// parseJSON reads JSON into nodes for [ParseJSON].
func parseJSON(name string, src []byte) (node, Problems) {
	r := jsonReader{builder: builder{name: name}, src: src, place: newPositions(name, src)}
	// This pass checks the syntax of the whole text, so that the second pass meets no syntax
	// error.
	var whole json.RawMessage
	if err := json.Unmarshal(src, &whole); err != nil {
		at := Pos{File: name, Line: 1, Column: 1}
		message, expected := err.Error(), ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset := max(0, int(syntax.Offset)-1)
			at = position(name, src, offset)
			if worded, why := mistake(src, offset); worded != "" {
				message, expected = worded, why
			}
		}
		r.addProblem(at, nil, "is not JSON: "+message, expected)
		return node{}, r.problems
	}
	r.dec = json.NewDecoder(bytes.NewReader(src))
	r.dec.UseNumber()
	root := node{pos: r.next()}
	if !r.value(&root, nil) {
		return node{}, r.problems
	}
	if root.kind != mapNode {
		r.addProblem(root.pos, nil, "is "+typeWord(root.value()), "a JSON object")
	}
	return root, r.problems
}

// mistake returns a message for the most common syntax errors in JSON, which it recognizes by the
// character at the offset. The message is empty for other errors.
func mistake(src []byte, offset int) (message, expected string) {
	if offset >= len(src) {
		return "", ""
	}
	before := bytes.TrimRight(src[:offset], " \t\r\n")
	switch c := src[offset]; {
	case (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")):
		return fmt.Sprintf("has a comma before %c", c), "a comma only between two values"
	case c == '\'':
		return "has a single quote", "double quotes around keys and texts"
	case c == '/' || c == '#':
		return "has a comment", "none: HCL and YAML have comments"
	}
	return "", ""
}

// next returns the position of the next token. The decoder reports only where the last token
// ended.
func (r *jsonReader) next() Pos {
	offset := int(r.dec.InputOffset())
	for offset < len(r.src) && bytes.IndexByte([]byte(" \t\r\n,:"), r.src[offset]) >= 0 {
		offset++
	}
	return r.place.at(offset)
}

func (r *jsonReader) token() (json.Token, bool) {
	token, err := r.dec.Token()
	if err != nil {
		r.addProblem(r.place.at(int(r.dec.InputOffset())), nil, "is not JSON: "+err.Error(), "")
	}
	return token, err == nil
}

// value reads one value into n. It returns false after a syntax error, or if the value is nested
// too deeply or exceeds the number of values; the caller then stops reading.
func (r *jsonReader) value(n *node, path Path) bool {
	if r.tooDeep(n.pos, path) || r.tooMany(n.pos) {
		return false
	}
	token, ok := r.token()
	if !ok {
		return false
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return r.object(n, path)
		}
		n.kind = listNode
		for r.dec.More() {
			item := node{pos: r.next()}
			if !r.value(&item, path.with(strconv.Itoa(len(n.children)))) {
				return false
			}
			n.children = append(n.children, item)
		}
		_, ok = r.token()
		return ok
	case json.Number:
		r.number(n, path, v.String())
	default: // nil, bool or string
		n.scalar = v
	}
	return true
}

func (r *jsonReader) object(n *node, path Path) bool {
	n.kind = mapNode
	for r.dec.More() {
		child := node{pos: r.next()}
		token, ok := r.token()
		if !ok {
			return false
		}
		child.key, _ = token.(string)
		if !r.value(&child, path.with(child.key)) {
			return false
		}
		r.add(n, path.with(child.key), child)
	}
	_, ok := r.token()
	return ok
}
