package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Inspection is a turn and what the model saw in it, rebuilt from what was kept.
type Inspection struct {
	Turn storage.Turn
	// Seen has the messages that the model was given, the system prompt first. Gaps says
	// which are missing.
	Seen []chat.Message
	// Gaps lists what is missing from Seen because it was not kept, one sentence each.
	Gaps []string
}

// TurnByNumber returns the succeeded turn of the conversation that has the number. The
// error is fault.NotFound if there is none.
func (b *Bot) TurnByNumber(ctx context.Context, conversation string, number int64) (*storage.Turn, error) {
	// A turn's number is at most its sequence, so the turn has at least this sequence. In
	// most cases the first turn that is read is the one.
	req := TurnsRequest{Conversation: conversation, After: max(number-1, 0), Limit: 1}
	for {
		page, err := b.Turns(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Turns {
			if t.Number == number {
				return &t, nil
			}
			req.After = t.Sequence
		}
		if !page.More {
			return nil, noTurn(conversation)
		}
		req.Limit = storage.MaxPage
	}
}

// TurnBySequence returns the turn of the conversation that has the sequence, in whatever
// state it is. The error is fault.NotFound if there is none.
func (b *Bot) TurnBySequence(ctx context.Context, conversation string, sequence int64) (*storage.Turn, error) {
	page, err := b.Turns(ctx, TurnsRequest{Conversation: conversation, After: max(sequence-1, 0), Limit: 1, All: true})
	if err != nil {
		return nil, err
	}
	if len(page.Turns) == 0 || page.Turns[0].Sequence != sequence {
		return nil, noTurn(conversation)
	}
	return &page.Turns[0], nil
}

func noTurn(conversation string) error {
	return fault.New(fault.NotFound, "the conversation %q has no such turn", conversation)
}

// Inspect rebuilds what the model saw in a turn. It reads the storage, and asks neither
// the model nor the memory.
func (b *Bot) Inspect(ctx context.Context, conversation string, t *storage.Turn) (*Inspection, error) {
	out := &Inspection{Turn: *t}
	if isEmptied(t) {
		out.Gaps = append(out.Gaps, "the turn was deleted with all that its user wrote; only its place in the log is left")
		return out, nil
	}
	var r record
	if len(t.Record) == 0 || json.Unmarshal(t.Record, &r) != nil {
		out.Gaps = append(out.Gaps, "the turn has no record: it is running, or its host died; what the model was shown is not known")
		return out, nil
	}
	switch {
	case r.Revision != b.Revision:
		out.Gaps = append(out.Gaps, fmt.Sprintf("the turn ran on revision %s, whose system prompt is not kept; the tenant is at %s", r.Revision, b.Revision))
	case b.System != "":
		out.Seen = append(out.Seen, chat.Text(chat.System, b.System))
	}
	switch {
	case r.RecallMS > 0:
		out.Gaps = append(out.Gaps, fmt.Sprintf("the memory chose %d messages; which, is not kept", r.Recalled))
	case r.Recalled > 0:
		tail, err := b.tailBefore(ctx, conversation, t.Sequence, r.Recalled)
		if err != nil {
			return nil, err
		}
		if len(tail) < r.Recalled {
			out.Gaps = append(out.Gaps, fmt.Sprintf("the oldest %d of the %d earlier messages are not here: they, or some after them, are not in the log any more", r.Recalled-len(tail), r.Recalled))
		}
		out.Seen = append(out.Seen, tail...)
	}
	for _, m := range t.Messages {
		if m.Role == chat.User {
			out.Seen = append(out.Seen, m)
		}
	}
	return out, nil
}

// isEmptied reports whether the turn's messages were erased and only its place in the log
// is left. A turn that was not erased has its user's message, however it ended.
func isEmptied(t *storage.Turn) bool { return t.State != storage.Running && len(t.Messages) == 0 }

// tailBefore returns the newest n messages of the succeeded turns before a sequence. It
// returns fewer if the log has fewer, or if one of these turns was emptied: how many
// messages that had is not known, so only those after it are returned.
//
// Reading starts n turns back. Turns that did not succeed add no messages to the tail: if
// there are many, reading starts again from further back.
func (b *Bot) tailBefore(ctx context.Context, conversation string, sequence int64, n int) ([]chat.Message, error) {
	for back := int64(n); ; back *= 4 {
		from := max(sequence-1-back, 0)
		tail, err := b.readTail(ctx, conversation, from, sequence, n)
		if err != nil {
			return nil, err
		}
		if len(tail) >= n || from == 0 {
			return tail, nil
		}
	}
}

// readTail returns the newest n messages, or fewer, of the succeeded turns between two
// sequences, both exclusive. Messages before an emptied turn are left out.
func (b *Bot) readTail(ctx context.Context, conversation string, after, before int64, n int) ([]chat.Message, error) {
	var tail []chat.Message
	for {
		page, err := b.Storage.Read(ctx, &storage.ReadRequest{
			Call: b.call(conversation, ""), After: after, Limit: storage.MaxPage,
		})
		if err != nil {
			return nil, err
		}
		for _, t := range page.Turns {
			if t.Sequence >= before {
				return tail, nil
			}
			if isEmptied(&t) {
				tail = nil
			}
			tail, after = append(tail, t.Messages...), t.Sequence
			tail = tail[max(0, len(tail)-n):]
		}
		if !page.More || len(page.Turns) == 0 {
			return tail, nil
		}
	}
}
