package jsonstream

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/chat"
)

// Shelf keeps the long texts of a value while the rest of it is encoded: JSON of a text
// may be six times as long, and is made piece by piece while it is written.
type Shelf struct {
	marks, texts []string
}

// Long is where a text is long, in bytes.
const Long = 32 << 10

// Put puts the text on the shelf if it is long, and a mark in its place.
func (s *Shelf) Put(text string) string {
	if len(text) <= Long {
		return text
	}
	mark := rand.Text() + rand.Text()
	s.marks, s.texts = append(s.marks, mark), append(s.texts, text)
	return mark
}

// Write writes the JSON of v, whose long texts were put on the shelf in the order in
// which they are encoded.
func (s *Shelf) Write(w io.Writer, v any) error {
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

// WriteText writes what stands between the quotes of a JSON string.
func WriteText(w io.Writer, text string) error {
	for len(text) > 0 {
		piece := FirstPiece(text, Long)
		text = text[len(piece):]
		b, err := Encode(piece)
		if err == nil {
			_, err = w.Write(b[1 : len(b)-1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// FirstPiece is the first of the text, of at most so many bytes, which ends between
// characters.
func FirstPiece(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Encode makes one line of JSON. Text stays as it is: nothing here is put into a page,
// and a model's "<" is easier to read than \u003c.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ShelveParts gives the parts of a message with their long texts on the shelf, in the
// order in which JSON has them.
func (s *Shelf) ShelveParts(parts []chat.Part) []chat.Part {
	if parts == nil {
		return nil
	}
	out := make([]chat.Part, len(parts))
	for i, p := range parts {
		p.Text = s.Put(p.Text)
		if r := p.Reasoning; r != nil {
			reasoning := *r
			reasoning.Text = s.Put(r.Text)
			p.Reasoning = &reasoning
		}
		if c := p.ToolCall; c != nil {
			call := *c
			call.Arguments = s.Put(c.Arguments)
			p.ToolCall = &call
		}
		if r := p.ToolResult; r != nil {
			result := *r
			result.Parts = s.ShelveParts(r.Parts)
			p.ToolResult = &result
		}
		out[i] = p
	}
	return out
}
