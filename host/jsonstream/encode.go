package jsonstream

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// WriteText writes the text as JSON has it between the quotes, piece by piece.
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

// FirstPiece returns the beginning of the text, of at most limit bytes. It does not end within
// a character.
func FirstPiece(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Encode returns the JSON of v, on one line without a line feed. Characters such as "<" are
// not escaped: the JSON is not put into HTML, and texts of models are easier to read so.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
