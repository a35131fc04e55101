package archive

import (
	"fmt"
	"io"
	"strings"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// writeLine writes a line of any type but turns.
func writeLine(w io.Writer, line any) error {
	b, err := jsonstream.Encode(line)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// maxEscaped is an upper bound of how many bytes of JSON one byte of a turn becomes: six for
// an escaped character, and a share of the names and quotes around short texts.
const maxEscaped = 7

// writeTurn writes the line of a turn. A turn of an earlier host that is too large for any
// import is truncated.
func writeTurn(w io.Writer, t *storage.Turn) error {
	// Most turns are too small for their line to be too long, so it is rarely measured.
	if t.Size() > MaxTurn || t.Size() > MaxLine/maxEscaped && turnLineSize(t) > MaxLine {
		t = truncated(t)
	}
	return writeTurnLine(w, t)
}

// writeTurnLine writes the line of a turn as it is. Long texts are written piece by piece,
// so that the line is never in memory as a whole.
func writeTurnLine(w io.Writer, t *storage.Turn) error {
	l := newTurnLine(t)
	var long jsonstream.LongTexts
	for i := range l.Messages {
		l.Messages[i].Parts = long.ReplaceParts(l.Messages[i].Parts)
	}
	if err := long.Write(w, l); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// turnLineSize returns how many bytes the line of a turn has.
func turnLineSize(t *storage.Turn) int {
	var n byteCounter
	if writeTurnLine(&n, t) != nil {
		return MaxLine + 1
	}
	return int(n)
}

// byteCounter is a writer that only counts.
type byteCounter int

// Write implements io.Writer.
func (c *byteCounter) Write(b []byte) (int, error) {
	*c += byteCounter(len(b))
	return len(b), nil
}

// truncatedBytes is how many bytes of text all messages of a truncated turn keep together.
const truncatedBytes = 1 << 20

// truncated returns a copy of a turn with the beginning of the text of each message and a
// note of its size. Other parts than text are dropped, as are messages beyond
// bounds.TurnMessages.
func truncated(t *storage.Turn) *storage.Turn {
	out := *t
	out.Messages = make([]chat.Message, min(len(t.Messages), bounds.TurnMessages))
	for i := range out.Messages {
		m := t.Messages[i]
		text := m.Text()
		begin := strings.ToValidUTF8(text[:min(len(text), truncatedBytes/len(out.Messages))], "")
		out.Messages[i] = chat.Text(m.Role, fmt.Sprintf("%s [cut: the message has %d bytes, and the turn is too large for an export]", begin, m.Size()))
	}
	return &out
}
