package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEscapes is the maximum number of nested layers of escapes that are undone. Three layers are,
// for example, a URL inside a URL inside a log entry.
const maxEscapes = 3

// view is a text in lower case in which some layers of escapes are undone. Byte i of text stands
// for the bytes from[i] to to[i] of the original text.
type view struct {
	text     string
	from, to []int // nil if each byte stands for itself
}

// views returns the views of a text: the first with no layer of escapes undone, and each further
// view with one more layer undone. There are no further views when no escapes remain or
// maxEscapes layers are undone.
func views(text string) []view {
	out := []view{{text: lower(text)}}
	for range maxEscapes {
		next, undone := out[len(out)-1].undo()
		if !undone {
			break
		}
		out = append(out, next)
	}
	return out
}

// at returns the span of the original text for which the span s of the view stands.
func (v view) at(s span) span {
	if v.from == nil {
		return s
	}
	return span{v.from[s.from], v.to[s.to-1]}
}

// undo returns a view with one more layer of escapes undone. It returns false if v has no
// escapes.
func (v view) undo() (view, bool) {
	if !strings.ContainsAny(v.text, `%\&`) {
		return view{}, false
	}
	var out []byte
	next, undone := view{}, false
	for i := 0; i < len(v.text); {
		plain, n := unescape(v.text[i:])
		if n == 0 {
			plain, n = v.text[i:i+1], 1
		} else {
			undone = true
		}
		place := v.at(span{i, i + n})
		for range len(plain) {
			next.from, next.to = append(next.from, place.from), append(next.to, place.to)
		}
		out = append(out, plain...)
		i += n
	}
	next.text = lower(string(out))
	return next, undone
}

// unescape decodes the escape at the beginning of the text. It returns the decoded characters and
// the length of the escape, or 0 if the text does not begin with an escape. It knows the escapes
// of URLs, of HTML, and of quoted strings of JSON, Go and SQL.
func unescape(text string) (string, int) {
	digits := func(from, n, base int) (rune, bool) {
		if len(text) < from+n {
			return 0, false
		}
		code, err := strconv.ParseUint(text[from:from+n], base, 32)
		return rune(code), err == nil //nolint:gosec // at most 32 bits
	}
	switch {
	case len(text) < 2:
	case text[0] == '%':
		if code, ok := digits(1, 2, 16); ok {
			return string([]byte{byte(code)}), 3
		}
	case text[0] == '\\':
		switch text[1] {
		case 'n':
			return "\n", 2
		case 'r':
			return "\r", 2
		case 't':
			return "\t", 2
		case 'x':
			if code, ok := digits(2, 2, 16); ok {
				return string([]byte{byte(code)}), 4
			}
		case 'u':
			if code, ok := digits(2, 4, 16); ok && utf8.ValidRune(code) {
				return string(code), 6
			}
		case '"', '\'', '\\', '/':
			return text[1:2], 2
		}
	case text[0] == '&':
		if end := strings.IndexByte(text[:min(len(text), 10)], ';'); end > 0 {
			if plain := html.UnescapeString(text[:end+1]); plain != text[:end+1] {
				return plain, end + 1
			}
		}
	}
	return "", 0
}

// lower converts ASCII letters to lower case. The result has the same length as text.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
