package main

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// usage counts the tokens of a turn.
type usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// add returns the sum of u and the counts that a provider of the library reported. u may be nil, which
// is no counts. Without reported counts, add returns u.
func (u *usage) add(reported any) *usage {
	counts, _ := reported.(map[string]any)
	in, out := count(counts, "prompt_tokens", "input_tokens"), count(counts, "completion_tokens", "output_tokens")
	if in+out == 0 {
		return u
	}
	if u == nil {
		u = &usage{}
	}
	return &usage{u.InputTokens + in, u.OutputTokens + out}
}

// count returns the first count with one of the names, or 0.
func count(counts map[string]any, names ...string) int64 {
	for _, name := range names {
		if n, ok := counts[name].(float64); ok && n > 0 && n < 1e15 {
			return int64(n)
		}
	}
	return 0
}

// parseTime reads a time of the library. Most of these times have no zone, and are in the given one. It
// returns the zero time for a text that is no time, and for a time that an import refuses: one before
// 1970, or more than a day in the future.
func parseTime(text string, zone *time.Location) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			if t.Unix() < 0 || t.After(time.Now().Add(24*time.Hour)) {
				return time.Time{}
			}
			return t.UTC()
		}
	}
	return time.Time{}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// maxID is the most bytes that the id of a conversation or of a user may have.
const maxID = 256

// badID returns why an import refuses the id of a conversation or of a user. It returns "" for a valid
// id.
func badID(id string) string {
	switch {
	case id == "":
		return "is empty"
	case id == "." || id == "..":
		return "is a step of a path"
	case len(id) > maxID:
		return "has more than 256 bytes"
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return "has control characters"
	}
	return ""
}

// clean returns the text with U+FFFD in place of NUL, which no storage keeps.
func clean(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// text returns v if it is a text, and "" otherwise.
func text(v any) string {
	s, _ := v.(string)
	return s
}
