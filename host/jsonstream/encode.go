package jsonstream

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// WriteText writes the text as the contents of a JSON string, without the quotes, piece by piece.
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

// FirstPiece returns the longest beginning of the text that has at most limit bytes and ends at the
// end of a UTF-8 character.
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

// Encode returns the JSON of v on one line, without a line feed at the end. It does not escape
// characters such as "<", because the JSON is not put into HTML and unescaped texts of models are
// easier to read.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
