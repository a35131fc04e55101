package cli

import (
	"io"
	"os"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// plain returns a writer to f. If f is a terminal, the writer removes control characters.
// Commands print texts of models and of other tenants. An escape sequence in such a text could
// change the window's title, overwrite earlier output or, on some terminals, simulate typed
// input.
func plain(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) {
		return &plainWriter{to: f}
	}
	return f
}

// isTerminal reports whether the stream is a terminal.
func isTerminal(r any) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// plainWriter passes on printable text, line feeds and tabs, and drops all other characters.
type plainWriter struct {
	to   io.Writer
	part []byte // the first bytes of an incomplete character
}

// Write implements io.Writer.
func (w *plainWriter) Write(b []byte) (int, error) {
	in := append(w.part, b...)
	out := make([]byte, 0, len(in))
	for len(in) > 0 && utf8.FullRune(in) {
		r, size := utf8.DecodeRune(in) // DecodeRune returns U+FFFD for an invalid byte
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

// allowed reports whether plainWriter passes on r. It refuses control characters, and
// characters that change the direction of text, because they can make one command look like
// another.
func allowed(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
		return false
	}
	return true
}
