package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Shown is a turn and, rebuilt from what was kept, what the model saw in it.
type Shown struct {
	Turn storage.Turn
	// Seen is what the model was given, system prompt first. It is as good as Gaps says.
	Seen []chat.Message
	// Gaps are sentences about what left no trace and is missing from Seen.
	Gaps []string
}

// Turn finds a turn of the conversation by its number among the succeeded ones.
// fault.NotFound if there is none.
func (b *Bot) Turn(ctx context.Context, conversation string, number int64) (*storage.Turn, error) {
	return b.find(ctx, conversation, number-1, false, func(t storage.Turn) bool { return t.Number == number })
}

// TurnAt finds a turn of any state by its sequence. fault.NotFound if there is none.
func (b *Bot) TurnAt(ctx context.Context, conversation string, sequence int64) (*storage.Turn, error) {
	return b.find(ctx, conversation, sequence-1, true, func(t storage.Turn) bool { return t.Sequence == sequence })
}

// find reads on from a sequence; a turn's number is at most its sequence.
func (b *Bot) find(ctx context.Context, conversation string, after int64, all bool, is func(storage.Turn) bool) (*storage.Turn, error) {
	limit := 1
	for after = max(after, 0); ; limit = storage.MaxPage {
		page, err := b.Turns(ctx, "", conversation, after, limit, all)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Turns {
			if is(t) {
				return &t, nil
			}
			after = t.Sequence
		}
		if !page.More || (all && len(page.Turns) > 0) {
			return nil, fault.New(fault.NotFound, "the conversation %q has no such turn", conversation)
		}
	}
}

// Show rebuilds what the model saw in a turn. It asks the storage only.
func (b *Bot) Show(ctx context.Context, conversation string, t *storage.Turn) (*Shown, error) {
	out := &Shown{Turn: *t}
	if emptied(t) {
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

// emptied says that of the turn nothing is left but its place: one that was not has its
// message, however it ended.
func emptied(t *storage.Turn) bool { return t.State != storage.Running && len(t.Messages) == 0 }

// tailBefore reads the newest n messages of succeeded turns before a sequence, or fewer:
// those after an emptied turn, for nobody knows how many that had. A
// turn has two messages at least, so that n turns back is mostly far enough; turns
// that did not succeed make it look further.
func (b *Bot) tailBefore(ctx context.Context, conversation string, sequence int64, n int) ([]chat.Message, error) {
	for back := int64(n); ; back *= 4 {
		from := max(sequence-1-back, 0)
		var tail []chat.Message
		for after := from; ; {
			page, err := b.Storage.Read(ctx, &storage.ReadRequest{
				Call: b.call(conversation, ""), After: after, Limit: storage.MaxPage,
			})
			if err != nil {
				return nil, err
			}
			past := false
			for _, t := range page.Turns {
				if past = t.Sequence >= sequence; past {
					break
				}
				if emptied(&t) {
					tail = nil
				}
				tail, after = append(tail, t.Messages...), t.Sequence
				tail = tail[max(0, len(tail)-n):]
			}
			if past || !page.More || len(page.Turns) == 0 {
				break
			}
		}
		if len(tail) >= n {
			return tail[len(tail)-n:], nil
		}
		if from == 0 {
			return tail, nil
		}
	}
}
