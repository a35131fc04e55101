package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEscapes is how many layers of escapes are undone, one within the other: a URL in a URL,
// in a log entry.
const maxEscapes = 3

// view is a text in lower case, with some layers of escapes undone. For each byte of text,
// from and to have the span of the original text that it stands for.
type view struct {
	text     string
	from, to []int // nil if each byte stands for itself
}

// views returns the text with no layer of escapes undone, with one, and so on, until there
// are no escapes or maxEscapes are undone.
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

// at returns the span of the original text that a span of the view stands for.
func (v view) at(s span) span {
	if v.from == nil {
		return s
	}
	return span{v.from[s.from], v.to[s.to-1]}
}

// undo returns the view with one more layer of escapes undone, and reports whether there was
// one.
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

// unescape returns what the escape at the beginning of the text stands for, and the length of
// the escape; 0 if there is none. It knows the escapes of URLs, HTML, and quoted strings of
// JSON, Go and SQL.
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

// lower returns the text with ASCII letters in lower case. The length stays the same.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
