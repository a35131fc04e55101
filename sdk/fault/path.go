package fault

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Path names the wrong field of a request or the wrong key of a configuration. Its segments are the
// names of fields and keys, and the indexes of list elements counted from 0, from the outermost to
// the innermost. An empty Path means that no field is named.
type Path []string

// MaxPathSegments bounds the segments of a Path that another process sent. MaxText bounds the bytes
// of all its segments.
const MaxPathSegments = 64

// String joins the segments with dots, such as "connection.host" and "messages.0.role". It quotes a
// segment that is empty or contains a dot, a space, a quote or a character that is not printable.
func (p Path) String() string {
	if len(p) == 1 && isPlain(p[0]) {
		return p[0]
	}
	var b strings.Builder
	for i, segment := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		if !isPlain(segment) {
			segment = strconv.Quote(segment)
		}
		b.WriteString(segment)
	}
	return b.String()
}

// isPlain reports whether String shows the segment without quotes.
func isPlain(segment string) bool {
	return segment != "" && !strings.ContainsFunc(segment, func(r rune) bool {
		return r == '.' || r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// Below returns a new Path with the segments of root in front of those of p.
func (p Path) Below(root ...string) Path { return slices.Concat(Path(root), p) }

// Keys returns the Path of a key that is written with dots, such as "connection.host". No name in it
// may contain a dot. An empty text gives an empty Path.
func Keys(dotted string) Path {
	if dotted == "" {
		return nil
	}
	return strings.Split(dotted, ".")
}

// Index returns the segment for the list element i.
func Index(i int) string { return strconv.Itoa(i) }

// Sendable returns a copy of e whose message and path keep the bounds of what crosses the protocol:
// MaxText and MaxPathSegments, and valid UTF-8.
func Sendable(e *Error) *Error {
	out := *e
	out.Message, out.Path = sendable(e.Message), sendablePath(e.Path)
	return &out
}

// sendablePath returns the path as valid UTF-8 with at most MaxPathSegments segments and MaxText
// bytes. It leaves out the innermost segments, and shortens a segment that alone has too many bytes.
func sendablePath(p Path) Path {
	if len(p) == 0 {
		return nil
	}
	out := make(Path, 0, min(len(p), MaxPathSegments))
	size := 0
	for _, segment := range p[:min(len(p), MaxPathSegments)] {
		segment = sendable(segment)
		if size += len(segment); size > MaxText {
			break
		}
		out = append(out, segment)
	}
	return out
}
