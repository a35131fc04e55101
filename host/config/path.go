package config

import (
	"slices"

	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Path is the path of a value from the root of its document. Its segments are keys of maps, and
// indexes of list elements counted from 0.
type Path []string

// String joins the segments with dots. It quotes a segment that is empty or contains a dot, a
// space, a quote or a character that is not printable.
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

// separator joins the segments of a path to one string. A key cannot contain separator, because
// checkKey refuses control characters. It is also the delimiter of koanf.
const separator = "\x1f"

// key returns the path as one string, for use as a key of a Go map.
func (p Path) key() string { return strings.Join(p, separator) }

// with returns a new path with further segments. The result shares no memory with p.
func (p Path) with(segments ...string) Path {
	out := make(Path, 0, len(p)+len(segments))
	return append(append(out, p...), segments...)
}

// checkKey returns why the key of a map is invalid, or "" if it is valid.
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

// relativeTo returns the part of p below root. It returns false if p is neither root nor below
// it.
func (p Path) relativeTo(root Path) (Path, bool) {
	if len(p) < len(root) || !slices.Equal(p[:len(root)], root) {
		return nil, false
	}
	return p[len(root):], true
}

// keyOf returns the path of the key that sets the value at path. For an element of a list it
// returns the path of the list, because a list is set as a whole.
func keyOf(path Path) Path {
	for i, segment := range path {
		if _, err := strconv.Atoi(segment); err == nil && i > 0 {
			return path[:i]
		}
	}
	return path
}
