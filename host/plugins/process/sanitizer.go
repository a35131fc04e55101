package process

import (
	"strings"
	"unicode"

	"github.com/botyard/botyard/host/secret"
)

// Limits for texts of a plugin that the host shows, in bytes.
const (
	MaxMessageBytes = 4 << 10 // limits the message of an error
	MaxNameBytes    = 256     // limits a version, a path or the name of a field
)

// Sanitizer cleans texts of plugins so that the host can show them. One Sanitizer has the
// secrets of all plugins, because a process that tenants share may show the secrets of any
// tenant. The zero value has no secrets. A Sanitizer is safe for concurrent use.
type Sanitizer struct{ secrets secret.Redactor }

// Keep adds secrets. Clean cuts the secrets out of all texts until release is called. The
// caller must call release exactly once.
func (s *Sanitizer) Keep(secrets ...string) (release func()) { return s.secrets.Add(secrets...) }

// Clean returns the text without secrets, shortened to at most maxBytes. It replaces
// characters that could change a terminal's state or break a log line. It cuts secrets out
// before it shortens the text, so that no part of a secret remains.
func (s *Sanitizer) Clean(text string, maxBytes int) string {
	text = printable(s.secrets.Redact(text))
	if len(text) <= maxBytes {
		return text
	}
	const more = "..."
	return strings.ToValidUTF8(text[:max(maxBytes-len(more), 0)], "") + more
}

// printable replaces each character that is not printable with a blank.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
}
