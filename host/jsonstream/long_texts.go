package jsonstream

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/botyard/botyard/sdk/chat"
)

// LongTexts writes a value as JSON without the whole JSON of a long text in memory, because JSON
// can make a text six times as long. The caller replaces each long text of the value by the result
// of Replace, in the order in which the fields are encoded, and then calls Write. The zero value is
// ready to use.
type LongTexts struct {
	marks, texts []string
}

// Long is the length in bytes above which a text is long.
const Long = 32 << 10

// Replace stores a long text for Write and returns a placeholder. It returns a text that is not
// long unchanged.
func (s *LongTexts) Replace(text string) string {
	if len(text) <= Long {
		return text
	}
	mark := rand.Text() + rand.Text()
	s.marks, s.texts = append(s.marks, mark), append(s.texts, text)
	return mark
}

// Write writes the JSON of v, with each long text in place of its placeholder.
func (s *LongTexts) Write(w io.Writer, v any) error {
	rest, err := Encode(v)
	if err != nil {
		return err
	}
	for i, mark := range s.marks {
		before, after, found := bytes.Cut(rest, []byte(mark))
		if !found {
			return fmt.Errorf("a text of %d bytes is not where it belongs in the answer", len(s.texts[i]))
		}
		if _, err := w.Write(before); err != nil {
			return err
		}
		if err := WriteText(w, s.texts[i]); err != nil {
			return err
		}
		rest = after
	}
	_, err = w.Write(rest)
	return err
}

// ReplaceParts returns a copy of the parts of a message with each text replaced by the result of
// Replace.
func (s *LongTexts) ReplaceParts(parts []chat.Part) []chat.Part {
	if parts == nil {
		return nil
	}
	out := make([]chat.Part, len(parts))
	for i, p := range parts {
		p.Text = s.Replace(p.Text)
		if r := p.Reasoning; r != nil {
			reasoning := *r
			reasoning.Text = s.Replace(r.Text)
			p.Reasoning = &reasoning
		}
		if c := p.ToolCall; c != nil {
			call := *c
			call.Arguments = s.Replace(c.Arguments)
			p.ToolCall = &call
		}
		if r := p.ToolResult; r != nil {
			result := *r
			result.Parts = s.ReplaceParts(r.Parts)
			p.ToolResult = &result
		}
		out[i] = p
	}
	return out
}
