package cli

import (
	"strconv"
	"strings"
	"testing"
)

// TestPlain checks that a terminal gets no control characters.
func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"plain é 😀\n\tindented\n":      "plain é 😀\n\tindented\n",
		"\x1b[31mred\x1b[0m":           "[31mred[0m",
		"\x1b]0;title\x07x":            "]0;titlex",
		"\u009b31mred":                 "31mred", // U+009B is an escape sequence of one character
		"over\rwritten\b\b":            "overwritten",
		"\x00\x7f":                     "",
		"a\u202etxt.exe\u2066b\u2069c": "atxt.exebc",
		"bad \xff byte":                "bad \ufffd byte",
	} {
		t.Run(strconv.Quote(text), func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 100} {
				var out strings.Builder
				w := &plainWriter{to: &out}
				for rest := text; rest != ""; {
					n := min(size, len(rest))
					if written, err := w.Write([]byte(rest[:n])); written != n || err != nil {
						t.Fatal(written, err)
					}
					rest = rest[n:]
				}
				if out.String() != want {
					t.Errorf("%q, %d bytes at once: %q, want %q", text, size, out.String(), want)
				}
			}
		})
	}
}
