package chat

import (
	"strings"
	"unicode/utf8"
)

// Replacement is the character that replaces bytes which some storages and protocols refuse.
const Replacement = "\uFFFD"

// Clean returns the text with Replacement instead of each NUL and of each byte that is not valid
// UTF-8. Every storage keeps the returned text unchanged.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r // for an invalid byte, r is RuneError already
	}, text)
}

func isClean(text string) bool {
	return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text)
}

// Cleaner cleans a text that comes in pieces. A piece may end in the middle of a character. The
// results of all calls of Next and of the last call of Rest together equal Clean of the whole text.
// The zero value is ready.
type Cleaner struct{ held string }

// Next returns the clean form of the piece. If the piece ends with an incomplete character, Next
// stores those bytes for the next call.
func (c *Cleaner) Next(piece string) string {
	text := c.held + piece
	whole := len(text)
	for i := max(0, len(text)-utf8.UTFMax+1); i < len(text); i++ {
		if utf8.RuneStart(text[i]) && !utf8.FullRuneInString(text[i:]) {
			whole = i
			break
		}
	}
	c.held = strings.Clone(text[whole:])
	return Clean(text[:whole])
}

// Rest returns the clean form of the stored bytes. The caller calls it after the last piece.
func (c *Cleaner) Rest() string {
	rest := Clean(c.held)
	c.held = ""
	return rest
}

// Clean returns the call with all its texts clean.
func (c ToolCall) Clean() ToolCall {
	c.ID, c.Name, c.Arguments = Clean(c.ID), Clean(c.Name), Clean(c.Arguments)
	return c
}

// Clean returns the message with all its texts clean. It does not change m.
func (m Message) Clean() Message {
	m.Role, m.Parts = Role(Clean(string(m.Role))), CleanParts(m.Parts)
	return m
}

// CleanParts returns the parts with all their texts clean. It does not change the given ones,
// and returns the same slice if all are clean.
func CleanParts(parts []Part) []Part {
	var out []Part
	for i := range parts {
		if partIsClean(&parts[i]) {
			continue
		}
		if out == nil {
			out = append([]Part(nil), parts...)
		}
		out[i] = parts[i].copy()
		out[i].VisitTexts(func(text *string) bool {
			*text = Clean(*text)
			return true
		})
	}
	if out == nil {
		return parts
	}
	return out
}

func partIsClean(p *Part) bool {
	return p.VisitTexts(func(text *string) bool { return isClean(*text) })
}
