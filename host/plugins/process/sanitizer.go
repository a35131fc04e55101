package process

import (
	"strings"
	"unicode"

	"github.com/botyard/botyard/host/secret"
)

// Bounds of the texts of a plugin that the host repeats, in bytes.
const (
	MaxMessageBytes = 4 << 10 // bounds an error's message
	MaxNameBytes    = 256     // bounds a version, a path or a field's name
)

// Sanitizer makes texts of plugins fit to be repeated. It knows the secrets of all
// plugins together, because a process that tenants share may repeat any of theirs. It is
// used by any number of goroutines. The zero value knows no secrets.
type Sanitizer struct{ secrets secret.Redactor }

// Keep adds secrets: from now on Clean cuts them out of all texts. release removes them
// again; it is called once.
func (s *Sanitizer) Keep(secrets ...string) (release func()) { return s.secrets.Add(secrets...) }

// Clean returns the text without secrets and without characters that could play tricks
// with a terminal or break a log line, in at most maxBytes. Secrets are cut out before the
// text is shortened: else half of a secret could be left.
func (s *Sanitizer) Clean(text string, maxBytes int) string {
	text = printable(s.secrets.Redact(text))
	if len(text) <= maxBytes {
		return text
	}
	const more = "..."
	return strings.ToValidUTF8(text[:max(maxBytes-len(more), 0)], "") + more
}

// printable replaces characters that are not printable with blanks.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}
