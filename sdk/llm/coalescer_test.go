package llm

import (
	"strings"
	"testing"
	"testing/synctest"

	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
)

// A provider that is faster than what it says is taken makes no large pieces.
func TestPiecesAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got strings.Builder
		c := newCoalescer(func(m *llmv1.ChatResponse) error {
			if len(m.Text) > pieceBytes+10 {
				t.Errorf("a piece of %d bytes", len(m.Text))
			}
			got.WriteString(m.Text)
			return nil
		})
		for range 100000 {
			if err := c.emit(Delta{Text: "0123456789"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.close(&Finish{}); err != nil {
			t.Fatal(err)
		}
		if got.String() != strings.Repeat("0123456789", 100000) {
			t.Errorf("%d bytes came", got.Len())
		}
	})
}
