package cli

import (
	"io"
	"os"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// plain is f; before a terminal, without what a terminal would obey. What is
// printed comes from models and from other people's tenants, and an escape
// sequence in it could retitle the window, rewrite what was printed before or,
// with some terminals, type.
func plain(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) {
		return &plainWriter{to: f}
	}
	return f
}

func isTerminal(r any) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// plainWriter passes printable text, line feeds and tabs.
type plainWriter struct {
	to   io.Writer
	part []byte // the beginning of a character whose rest is still to come
}

// Write implements io.Writer.
func (w *plainWriter) Write(b []byte) (int, error) {
	in := append(w.part, b...)
	out := make([]byte, 0, len(in))
	for len(in) > 0 && utf8.FullRune(in) {
		r, size := utf8.DecodeRune(in) // what is no character becomes U+FFFD
		in = in[size:]
		if allowed(r) {
			out = utf8.AppendRune(out, r)
		}
	}
	w.part = append([]byte(nil), in...)
	if _, err := w.to.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// allowed keeps out control characters of both sets, and those that change the
// direction of text, which can make one command look like another.
func allowed(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
		return false
	}
	return true
}
