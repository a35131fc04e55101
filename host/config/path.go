package config

import (
	"slices"

	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Path leads to a value from the root of its document; an element of a list has
// its index, from 0, as its segment.
type Path []string

// String joins the segments with dots; a segment that has a dot, a space or a
// quote itself, or is empty, is quoted.
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

// separator cannot occur in a key: checkKey refuses control characters. It joins
// segments to map keys here and is koanf's delimiter.
const separator = "\x1f"

func (p Path) key() string { return strings.Join(p, separator) }

// with gives a new path; append could overwrite a sibling's.
func (p Path) with(segments ...string) Path {
	out := make(Path, 0, len(p)+len(segments))
	return append(append(out, p...), segments...)
}

// checkKey says what is wrong with a map's key, or "".
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

// below gives the rest of the path below root.
func (p Path) relativeTo(root Path) (Path, bool) {
	if len(p) < len(root) || !slices.Equal(p[:len(root)], root) {
		return nil, false
	}
	return p[len(root):], true
}

// keyOf returns the path without what is in a list: a list is set as a whole.
func keyOf(path Path) Path {
	for i, segment := range path {
		if _, err := strconv.Atoi(segment); err == nil && i > 0 {
			return path[:i]
		}
	}
	return path
}
