package chat

import (
	"strings"
	"unicode/utf8"
)

// Replacement stands where a text had something that not every storage and not every
// wire can keep.
const Replacement = "\uFFFD"

// Clean answers the text with Replacement in the place of each NUL and of each byte that
// is not of UTF-8. All storages keep what it answers as it is.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == 0 {
			return utf8.RuneError
		}
		return r // of a byte that is not UTF-8, RuneError
	}, text)
}

func isClean(text string) bool {
	return strings.IndexByte(text, 0) < 0 && utf8.ValidString(text)
}

// Cleaner does what Clean does with a text that comes in pieces, which may be cut in the
// middle of a character. However the pieces are cut, all of Next and Rest together are
// Clean of the whole. The zero value is ready.
type Cleaner struct{ held string }

// Next answers what is known of the text with this piece. The beginning of a character
// is held back for the next piece.
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

// Rest answers what is held back, for a text that has no next piece.
func (c *Cleaner) Rest() string {
	rest := Clean(c.held)
	c.held = ""
	return rest
}

// Clean answers the call with all its texts clean.
func (c ToolCall) Clean() ToolCall {
	return ToolCall{ID: Clean(c.ID), Name: Clean(c.Name), Arguments: Clean(c.Arguments)}
}

// Clean answers the message with all its texts clean. It changes nothing of m.
func (m Message) Clean() Message {
	return Message{Role: Role(Clean(string(m.Role))), Parts: cleanParts(m.Parts)}
}

// cleanParts copies only what has to change.
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
		// Results have parts of their own; to copy them costs less than to compare them.
		p.ToolResult, changed = &ToolResult{ToolCallID: Clean(r.ToolCallID), Name: Clean(r.Name),
			Parts: cleanParts(r.Parts), IsError: r.IsError}, true
	}
	return p, changed
}
