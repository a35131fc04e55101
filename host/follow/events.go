package follow

import (
	"context"
	"encoding/binary"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// readTurns is how many turns one step reads of a conversation. They have at most one page of bytes.
const readTurns = 100

// page is what happened in a conversation after a cursor.
type page struct {
	events  []memory.Event
	last    int64 // the sequence up to which the page has everything
	more    bool  // turns follow that have ended
	numbers []numberAt
}

// numberAt says which number was the greatest of all turns up to a sequence.
type numberAt struct{ sequence, number int64 }

// readPage reads the turns after the cursor, up to one that runs. A conversation that was deleted
// meanwhile has none.
func (s *step) readPage(ctx context.Context, c storage.Claimed) (*page, error) {
	p := &page{last: c.Sequence, numbers: []numberAt{{c.Sequence, decodeNumber(c.Data)}}}
	read, err := s.Storage.Read(ctx, &storage.ReadRequest{Call: s.callOf(c.Conversation), After: c.Sequence, Limit: readTurns, All: true})
	if fault.Is(err, fault.NotFound) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.more = read.More
	size := 0
	for i := range read.Turns {
		t := &read.Turns[i]
		if t.State == storage.Running {
			p.more = false
			break
		}
		events, err := eventsOf(t, p.numbers[len(p.numbers)-1].number)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			size += e.Size()
		}
		if size > sdk.MaxRememberBytes && len(p.events) > 0 {
			p.more = true
			break
		}
		p.events = append(p.events, events...)
		p.last = t.Sequence
		if t.Number > 0 {
			p.numbers = append(p.numbers, numberAt{t.Sequence, t.Number})
		}
	}
	return p, nil
}

// eventsOf returns what Remember is told of a turn: its retraction, and the turn if it succeeded. A
// turn that a later turn has retracted is left out, and so is one whose user was deleted. greatest is
// the greatest number before the turn.
func eventsOf(t *storage.Turn, greatest int64) (events []memory.Event, err error) {
	if t.RetractFrom > 0 && t.RetractFrom <= greatest {
		events = append(events, memory.Event{Retraction: &memory.Retraction{Sequence: t.Sequence, From: t.RetractFrom, To: greatest}})
	}
	if t.State != storage.Succeeded || t.Retracted || len(t.Messages) == 0 {
		return events, nil
	}
	messages, err := storage.DecodeMessages(t.Messages)
	if err != nil {
		return nil, err
	}
	return append(events, memory.Event{Turn: &memory.Turn{Sequence: t.Sequence, Number: t.Number, User: t.User,
		StartedAt: t.StartedAt, EndedAt: t.EndedAt, Messages: messages}}), nil
}

// dataAt returns the data of the cursor at the sequence: the greatest number of the turns up to
// there, which the next page needs for its retractions.
func (p *page) dataAt(sequence int64) []byte {
	number := int64(0)
	for _, n := range p.numbers {
		if n.sequence <= sequence {
			number = n.number
		}
	}
	return binary.AppendUvarint(nil, uint64(number))
}

// decodeNumber returns the number that dataAt has encoded, and 0 for other data.
func decodeNumber(data []byte) int64 {
	n, size := binary.Uvarint(data)
	if size <= 0 {
		return 0
	}
	return int64(n)
}
