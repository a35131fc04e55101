package config

import (
	"slices"

	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Path is the path of a value from the root of its document: the keys of maps, and for elements
// of lists their index from 0.
type Path []string

// String joins the segments with dots. A segment that is empty, or has a dot, a blank or a quote
// in it, is quoted.
func (p Path) String() string {
	var b strings.Builder
	for i, segment := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		if segment == "" || strings.ContainsFunc(segment, func(r rune) bool {
			return r == '.' || r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r)
		}) {
			segment = strconv.Quote(segment)
		}
		b.WriteString(segment)
	}
	return b.String()
}

// separator cannot be in a key, since checkKey refuses control characters. It joins the segments
// of a path to a key of a Go map, and is koanf's delimiter.
const separator = "\x1f"

// key returns the path as a key of a Go map.
func (p Path) key() string { return strings.Join(p, separator) }

// with returns a new path with more segments. It shares no memory with p, as append could.
func (p Path) with(segments ...string) Path {
	out := make(Path, 0, len(p)+len(segments))
	return append(append(out, p...), segments...)
}

// checkKey returns what is wrong with the key of a map; empty for nothing.
func checkKey(key string) string {
	if key == "" {
		return "a key is empty"
	}
	if len(key) > maxKey {
		return fmt.Sprintf("a key has %d bytes, more than %d", len(key), maxKey)
	}
	if strings.ContainsFunc(key, unicode.IsControl) {
		return "a key has a control character"
	}
	return ""
}

// relativeTo returns the rest of the path below root. It reports whether the path is root or
// below it.
func (p Path) relativeTo(root Path) (Path, bool) {
	if len(p) < len(root) || !slices.Equal(p[:len(root)], root) {
		return nil, false
	}
	return p[len(root):], true
}

// keyOf returns the path of the key that sets the value: for an element of a list that of the
// list, which is set as a whole.
func keyOf(path Path) Path {
	for i, segment := range path {
		if _, err := strconv.Atoi(segment); err == nil && i > 0 {
			return path[:i]
		}
	}
	return path
}
