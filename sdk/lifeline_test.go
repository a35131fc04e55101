package sdk

import (
	"io"
	"strings"
	"testing"
)

// TestReadSecret checks which first lines of standard input are secrets.
func TestReadSecret(t *testing.T) {
	for _, c := range []struct{ name, input, secret, rest, wrong string }{
		{name: "a line", input: "abc\nrest", secret: "abc", rest: "rest"},
		{name: "the longest", input: strings.Repeat("x", MaxSecretBytes) + "\n", secret: strings.Repeat("x", MaxSecretBytes)},
		{name: "too long", input: strings.Repeat("x", MaxSecretBytes+1) + "\n", wrong: "more than 256 bytes"},
		{name: "empty", input: "\nrest", wrong: "is empty"},
		{name: "no line end", input: "abc", wrong: "ended before"},
		{name: "nothing", wrong: "ended before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := strings.NewReader(c.input)
			got, err := readSecret(in)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || got != "" {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			rest, _ := io.ReadAll(in)
			if err != nil || got != c.secret || string(rest) != c.rest {
				t.Errorf("%q, %v, and %q is left", got, err, rest)
			}
		})
	}
}
