package jsonstream

import (
	"strings"
	"testing"
)

func TestFirstPiece(t *testing.T) {
	for text := strings.Repeat("é☃🙂", 10); text != ""; {
		piece := FirstPiece(text, 7)
		if piece == "" || len(piece) > 7 || strings.ToValidUTF8(piece, "?") != piece {
			t.Fatalf("%q of %q", piece, text)
		}
		text = text[len(piece):]
	}
}
