package cli

import (
	"io"
	"os"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// plain returns f, or if f is a terminal a writer to it that leaves out what a terminal
// would act on. Commands print texts of models and of other people's tenants. An escape
// sequence in them could change the window's title, overwrite earlier output or, on some
// terminals, type.
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

// plainWriter passes on printable text, line feeds and tabs, and drops the rest.
type plainWriter struct {
	to   io.Writer
	part []byte // the beginning of a character that is not complete yet
}

// Write implements io.Writer.
func (w *plainWriter) Write(b []byte) (int, error) {
	in := append(w.part, b...)
	out := make([]byte, 0, len(in))
	for len(in) > 0 && utf8.FullRune(in) {
		r, size := utf8.DecodeRune(in) // invalid bytes become U+FFFD
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

// allowed reports whether a terminal shows r and does nothing else. Control characters are
// not allowed, nor are those that change the direction of text, which can make one command
// look like another.
func allowed(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return true
	case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
		return false
	}
	return true
}
