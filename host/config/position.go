package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Pos says where something is written. Line and Column count from 1; where there
// are no lines (an environment variable, the built-in defaults, a map) both are 0
// and File names the source.
type Pos struct {
	File         string
	Line, Column int
}

// String gives "file:line:column", or only the file where no line is known.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

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
