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

// Clean returns the tool call with clean texts.
func (c ToolCall) Clean() ToolCall {
	return ToolCall{ID: Clean(c.ID), Name: Clean(c.Name), Arguments: Clean(c.Arguments)}
}

// Clean returns the message with clean texts. It does not change m.
func (m Message) Clean() Message {
	return Message{Role: Role(Clean(string(m.Role))), Parts: cleanParts(m.Parts)}
}

// cleanParts returns parts with clean texts. It copies the list only if a part changes.
func cleanParts(parts []Part) []Part {
	var out []Part
	for i, p := range parts {
		clean, changed := p.clean()
		if !changed {
			continue
		}
		if out == nil {
			out = append([]Part(nil), parts...)
		}
		out[i] = clean
	}
	if out == nil {
		return parts
	}
	return out
}

func (p Part) clean() (clean Part, changed bool) {
	if p.Text != "" && !isClean(p.Text) {
		p.Text, changed = Clean(p.Text), true
	}
	if i := p.Image; i != nil && !(isClean(i.MediaType) && isClean(i.URL)) {
		p.Image, changed = &Image{MediaType: Clean(i.MediaType), Data: i.Data, URL: Clean(i.URL)}, true
	}
	if r := p.Reasoning; r != nil && !isClean(r.Text) {
		p.Reasoning, changed = &Reasoning{Text: Clean(r.Text), Signature: r.Signature}, true
	}
	if c := p.ToolCall; c != nil {
		if clean := c.Clean(); clean != *c {
			p.ToolCall, changed = &clean, true
		}
	}
	if r := p.ToolResult; r != nil {
		// A tool result has parts of its own. It is always copied, because comparing it costs more.
		p.ToolResult, changed = &ToolResult{ToolCallID: Clean(r.ToolCallID), Name: Clean(r.Name),
			Parts: cleanParts(r.Parts), IsError: r.IsError}, true
	}
	return p, changed
}
