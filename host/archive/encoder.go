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

// writeLine writes a line of an export. Lines of turns are written by writeTurn.
func writeLine(w io.Writer, line any) error {
	b, err := jsonstream.Encode(line)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// maxEscaped is an upper bound of how many bytes of JSON one byte of a turn becomes. An escaped
// character has six bytes, and the bytes of a body are base64 beside it. The rest is for the names
// and quotes around short texts.
const maxEscaped = 9

// writeTurn writes the line of a turn. Hosts of earlier versions wrote turns that are too large
// for any import; writeTurn truncates such a turn.
func writeTurn(w io.Writer, t *storage.Turn) error {
	// Measuring a line is slow. Most turns are so small that their lines are surely short
	// enough, so only large turns are measured.
	if t.Size() > MaxTurn || t.Size() > MaxLine/maxEscaped && turnLineSize(t) > MaxLine {
		t = truncated(t)
	}
	return writeTurnLine(w, t)
}

// writeTurnLine writes the line of a turn without truncating it. It writes long texts piece by
// piece, so that the whole line is never in memory.
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

// byteCounter is a writer that counts the bytes and drops them.
type byteCounter int

// Write implements io.Writer.
func (c *byteCounter) Write(b []byte) (int, error) {
	*c += byteCounter(len(b))
	return len(b), nil
}

// truncatedBytes is how many bytes of text all messages of a truncated turn have together.
const truncatedBytes = 1 << 20

// truncated returns a copy of a turn in which each message has only the beginning of its text
// and a remark with its size in bytes. The copy has no parts other than text, and no messages
// beyond bounds.TurnMessages.
func truncated(t *storage.Turn) *storage.Turn {
	out := *t
	out.Messages = make([]storage.Message, min(len(t.Messages), bounds.TurnMessages))
	for i := range out.Messages {
		m, err := t.Messages[i].Decode()
		if err != nil {
			m = chat.Message{Role: chat.Assistant}
		}
		text := m.Text()
		begin := strings.ToValidUTF8(text[:min(len(text), truncatedBytes/len(out.Messages))], "")
		cut := fmt.Sprintf("%s [cut: the message has %d bytes, and the turn is too large for an export]", begin, t.Messages[i].Size())
		out.Messages[i] = storage.EncodeMessage(chat.Text(m.Role, cut))
	}
	return &out
}
