package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// Message is one message of a succeeded turn.
type Message struct {
	ID      string    `json:"id,omitempty"` // the place of the message in the conversation; a valid value of the parameter "after"
	Role    chat.Role `json:"role"`
	Content string    `json:"content"` // the text of all parts
	// Parts is set only if the message has other parts than text.
	Parts     []chat.Part `json:"parts,omitempty"`
	Turn      int64       `json:"turn,omitempty"`
	CreatedAt *string     `json:"created_at,omitempty"`
}

// newMessage returns the message of the turn at the index.
func newMessage(t *bot.Turn, index int) Message {
	m := t.Messages[index]
	out := Message{
		ID: cursor{t.Sequence, index}.String(), Role: m.Role, Content: m.Text(),
		Turn: t.Number, CreatedAt: timestamp(t.EndedAt),
	}
	if index == 0 || t.EndedAt.IsZero() {
		out.CreatedAt = timestamp(t.StartedAt)
	}
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind() != chat.KindText || p.State != nil || len(p.Citations) > 0 {
			out.Parts = m.Parts
		}
	}
	return out
}

// cursor is the place of a message: the sequence of its turn, and the index of the message in the
// turn.
type cursor struct {
	sequence int64
	index    int
}

func (c cursor) String() string { return fmt.Sprintf("%d.%d", c.sequence, c.index) }

// parseCursor parses the result of cursor.String. The empty text is the place before the first
// message.
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

// pager reads turns from a storage and returns pages of their messages.
type pager struct {
	after cursor
	limit int
	read  func(after int64, limit int) (*bot.TurnPage, error)
}

// turnsAtOnce is how many turns a pager reads at once. It is small because messages can be large.
const turnsAtOnce = 50

// page returns the messages after the cursor. A page ends at the limit, or after the message with
// which the page reaches sdk.MaxPageBytes. more reports whether further messages exist.
func (p *pager) page() (messages []Message, more bool, err error) {
	messages = []Message{}
	bytes := 0
	// The pager reads the turn of the cursor again, because the turn may have further messages.
	from := max(0, p.after.sequence-1)
	for {
		// Nearly every turn has two messages. One more turn shows whether further messages exist.
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
