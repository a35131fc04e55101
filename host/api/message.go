package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Message is one message of a succeeded turn.
type Message struct {
	ID      string    `json:"id,omitempty"` // in its conversation; also a cursor
	Role    chat.Role `json:"role"`
	Content string    `json:"content"` // the text of all parts
	// Parts are there only where the message is more than text.
	Parts     []chat.Part `json:"parts,omitempty"`
	Turn      int64       `json:"turn,omitempty"`
	CreatedAt *string     `json:"created_at,omitempty"`
}

func newMessage(t *storage.Turn, index int) Message {
	m := t.Messages[index]
	out := Message{
		ID: cursor{t.Sequence, index}.String(), Role: m.Role, Content: m.Text(),
		Turn: t.Number, CreatedAt: timestamp(t.EndedAt),
	}
	if index == 0 || t.EndedAt.IsZero() {
		out.CreatedAt = timestamp(t.StartedAt)
	}
	for _, p := range m.Parts {
		if p.Image != nil || p.Reasoning != nil || p.ToolCall != nil || p.ToolResult != nil {
			out.Parts = m.Parts
		}
	}
	return out
}

// cursor is a message's place: its turn's sequence, and its index there.
type cursor struct {
	sequence int64
	index    int
}

func (c cursor) String() string { return fmt.Sprintf("%d.%d", c.sequence, c.index) }

// parseCursor reads what String wrote; the empty text is before everything.
func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{0, -1}, nil
	}
	turn, message, ok := strings.Cut(text, ".")
	sequence, err1 := strconv.ParseInt(turn, 10, 64)
	index, err2 := strconv.Atoi(message)
	c := cursor{sequence, index}
	if !ok || err1 != nil || err2 != nil || sequence < 1 || index < 0 || c.String() != text {
		return cursor{}, malformed("after", "is %q; expected the next of an earlier page or a message's id", clip(text))
	}
	return c, nil
}

// pager cuts pages of messages out of pages of turns.
type pager struct {
	after cursor
	limit int
	read  func(after int64, limit int) (*storage.TurnPage, error)
}

// turnsAtOnce bounds what one reading holds: messages can be large.
const turnsAtOnce = 50

// page ends with the limit, or with the message that makes it sdk.MaxPageBytes.
func (p *pager) page() (messages []Message, more bool, err error) {
	messages = []Message{}
	bytes := 0
	// The turn of the cursor is read again: it may have messages after it.
	from := max(0, p.after.sequence-1)
	for {
		// Nearly every turn has two messages; one more turn tells whether there is more.
		turns, err := p.read(from, min(turnsAtOnce, (p.limit-len(messages))/2+2))
		if err != nil {
			return nil, false, err
		}
		for i := range turns.Turns {
			t := &turns.Turns[i]
			from = t.Sequence
			first := 0
			if t.Sequence == p.after.sequence {
				first = p.after.index + 1
			}
			for index := first; index < len(t.Messages); index++ {
				if len(messages) == p.limit || bytes >= sdk.MaxPageBytes {
					return messages, true, nil
				}
				bytes += t.Messages[index].Size()
				messages = append(messages, newMessage(t, index))
			}
		}
		if !turns.More || len(turns.Turns) == 0 {
			return messages, false, nil
		}
	}
}
