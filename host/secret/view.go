package secret

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEscapes is how many escapes around each other are seen through: a log entry, in a
// log entry, of a URL in a URL.
const maxEscapes = 3

// view is a text in small letters, with as many escapes undone as it could be told to.
// Each byte of it knows which bytes of the text it was read from.
type view struct {
	text     string
	from, to []int // nil where each byte is at its own place
}

// views are the text with no escape undone, with one, and so on, until none is left.
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

// at is where the span is in the text that was viewed.
func (v view) at(s span) span {
	if v.from == nil {
		return s
	}
	return span{v.from[s.from], v.to[s.to-1]}
}

// undo undoes one layer of escapes, and reports whether there was one.
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

// unescape answers what the escape at the beginning of the text stands for, in URLs,
// in the quotes of JSON, Go and SQL, and in HTML, and how long it is: 0 if there is none.
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

// lower is the text with the letters of ASCII made small, of the same length.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
