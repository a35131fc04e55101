package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Inspection is a stored turn with the messages that the model saw in it. Bot.Inspect rebuilds
// the messages from what the storage has.
type Inspection struct {
	Turn Turn
	// Seen has the messages that the model was given, the system prompt first. Some messages
	// may be missing, as Gaps says.
	Seen []chat.Message
	// Gaps lists what is missing from Seen because it was not stored. Each gap is a sentence.
	Gaps []string
	// Notes says which stored messages and parts the host left out or changed for the model, and why.
	// Each note is a sentence.
	Notes []string
}

// TurnByNumber returns the conversation's succeeded turn with the number. The error is
// fault.NotFound if the conversation has no such turn.
func (b *Bot) TurnByNumber(ctx context.Context, conversation string, number int64) (*Turn, error) {
	// A turn's number is at most its sequence, because only succeeded turns have numbers. So
	// TurnByNumber starts to read at the sequence that equals the number. Usually the first
	// turn that it reads has the number.
	req := TurnsRequest{Conversation: conversation, After: max(number-1, 0), Limit: 1, All: true}
	for {
		page, err := b.Turns(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Turns {
			if t.Number == number && t.State == storage.Succeeded {
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

// TurnBySequence returns the conversation's turn with the sequence, in any state. The error is
// fault.NotFound if the conversation has no such turn.
func (b *Bot) TurnBySequence(ctx context.Context, conversation string, sequence int64) (*Turn, error) {
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

// Inspect rebuilds the messages that the model saw in the turn. It reads only the storage. It
// calls neither the model nor the memory.
func (b *Bot) Inspect(ctx context.Context, conversation string, t *Turn) (*Inspection, error) {
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
		out.Gaps = append(out.Gaps, fmt.Sprintf("the turn ran on revision %s, whose prompts are not kept; the tenant is at %s", r.Revision, b.Revision))
	default:
		text, ok := b.promptOf(&r)
		if !ok {
			out.Gaps = append(out.Gaps, "the turn's record does not say which prompt the turn had, or what stood in it for its variables")
		} else if text != "" {
			out.Seen = append(out.Seen, chat.Text(chat.System, text))
		}
	}
	if clipped, was := r.clipTail(); clipped {
		out.Gaps = append(out.Gaps, fmt.Sprintf("the turn's record names %d earlier messages, and no turn has so many; at most %d of them are here", was, maxRecorded))
	}
	switch {
	case r.RecallMS > 0 && len(r.Sources) == 0 && r.Recalled > 0:
		out.Gaps = append(out.Gaps, fmt.Sprintf("the memory chose %d messages; which, is not kept", r.Recalled))
	case r.RecallMS > 0 && r.Recalled > 0:
		out.Gaps = append(out.Gaps, fmt.Sprintf("the memory chose %d messages, whose texts are not kept: %s", r.Recalled, r.sources()))
	case r.Recalled > 0:
		tail, err := b.shownTail(ctx, conversation, t, &r)
		if err != nil {
			return nil, err
		}
		if len(tail) < r.Recalled {
			out.Gaps = append(out.Gaps, fmt.Sprintf("the oldest %d of the %d earlier messages are not here: they, or some after them, are not in the log any more", r.Recalled-len(tail), r.Recalled))
		}
		out.Seen = append(out.Seen, repeatAdapt(tail, r.Replacements, r.Recalled-len(tail))...)
	}
	out.Notes = r.leftOut()
	if len(r.Cut) > 0 {
		out.Gaps = append(out.Gaps, "the turn's record was too large to be kept whole; it was kept without "+strings.Join(r.Cut, ", "))
	}
	if len(r.Replacements) < r.Replaced.total() {
		out.Gaps = append(out.Gaps, "the model was not shown all parts of the earlier messages as they are here, because it could not take them; the turn's record counts them as replaced_parts")
	}
	for _, m := range t.Messages {
		if m.Role == chat.Assistant {
			break // what follows is not of the caller
		}
		out.Seen = append(out.Seen, m)
	}
	return out, nil
}

// shownTail returns the earlier messages that the turn took from the log, as they are stored. It returns
// fewer if the log has fewer.
func (b *Bot) shownTail(ctx context.Context, conversation string, t *Turn, r *record) ([]chat.Message, error) {
	if r.Tail <= 0 {
		return b.tailBefore(ctx, conversation, t, r.Recalled)
	}
	tail, err := b.tailBefore(ctx, conversation, t, r.Tail)
	if err != nil {
		return nil, err
	}
	tail = repeatPairs(tail, len(t.Messages) > 0 && t.Messages[0].Role == chat.Tool)
	return tail[max(0, len(tail)-r.Recalled):], nil
}

// isEmptied reports whether the turn's messages were erased, so that only the turn's place in
// the log is left. Every other turn that has ended has at least its user's message.
func isEmptied(t *Turn) bool { return t.State != storage.Running && len(t.Messages) == 0 }

// tailBefore returns the newest n messages of the succeeded turns that counted when the turn began:
// those before it that no turn had retracted until then. It returns fewer if the log has fewer. If
// one of the turns was emptied, tailBefore returns only the messages after that turn, because the
// number of erased messages is unknown.
//
// tailBefore first reads from n turns before the turn. Turns that did not succeed or were retracted
// add no messages to the tail. If there are too many of them, tailBefore reads again from further
// back. It holds sdk.MaxTailBytes of messages at most, as a turn does.
func (b *Bot) tailBefore(ctx context.Context, conversation string, t *Turn, n int) ([]chat.Message, error) {
	retractions := []retraction{{t.Sequence, t.RetractFrom}}
	for back := int64(n); ; back *= 4 {
		from := max(t.Sequence-1-back, 0)
		found, err := b.retractionsBetween(ctx, conversation, from, t.Sequence)
		if err != nil {
			return nil, err
		}
		tail, err := b.readTail(ctx, conversation, from, t.Sequence, n, append(found, retractions...))
		if err != nil {
			return nil, err
		}
		if len(tail.messages) >= n || tail.full || from == 0 {
			return tail.messages, nil
		}
	}
}

// retraction says that the turn with the sequence retracted the turns from a number on. from is 0 if
// it retracted none.
type retraction struct{ sequence, from int64 }

// retracted reports whether one of the retractions is about the turn.
func retracted(t *Turn, retractions []retraction) bool {
	return slices.ContainsFunc(retractions, func(r retraction) bool {
		return r.from > 0 && r.sequence > t.Sequence && t.Number >= r.from
	})
}

// eachTurn calls f with each turn between two sequences, of any state. Both sequences are exclusive.
func (b *Bot) eachTurn(ctx context.Context, conversation string, after, before int64, f func(*Turn)) error {
	for {
		page, err := b.Turns(ctx, TurnsRequest{Conversation: conversation, After: after, Limit: storage.MaxPage, All: true})
		if err != nil {
			return err
		}
		for i := range page.Turns {
			t := &page.Turns[i]
			if t.Sequence >= before {
				return nil
			}
			after = t.Sequence
			f(t)
		}
		if !page.More || len(page.Turns) == 0 {
			return nil
		}
	}
}

// retractionsBetween returns the retractions of turns between two sequences. Both sequences are
// exclusive.
func (b *Bot) retractionsBetween(ctx context.Context, conversation string, after, before int64) (found []retraction, err error) {
	err = b.eachTurn(ctx, conversation, after, before, func(t *Turn) {
		if t.RetractFrom > 0 {
			found = append(found, retraction{t.Sequence, t.RetractFrom})
		}
	})
	return found, err
}

// newestMessages are the newest ones of the messages that add has got.
type newestMessages struct {
	messages []chat.Message
	bytes    int  // of the messages
	full     bool // older messages were left out because of their bytes
}

// add appends messages, and drops the oldest ones until at most n messages of together sdk.MaxTailBytes
// are left.
func (t *newestMessages) add(messages []chat.Message, n int) {
	t.messages = append(t.messages, messages...)
	t.bytes += chat.Size(messages)
	drop := 0
	for ; drop < len(t.messages) && (len(t.messages)-drop > n || t.bytes > sdk.MaxTailBytes); drop++ {
		t.full = t.full || t.bytes > sdk.MaxTailBytes
		t.bytes -= t.messages[drop].Size()
	}
	clear(t.messages[:drop]) // so that they can be freed before the slice is
	t.messages = t.messages[drop:]
}

// readTail returns the newest n messages, or fewer, of the succeeded turns between two sequences that
// were not retracted. Both sequences are exclusive. readTail leaves out messages before an emptied
// turn.
func (b *Bot) readTail(ctx context.Context, conversation string, after, before int64, n int, retractions []retraction) (tail newestMessages, err error) {
	err = b.eachTurn(ctx, conversation, after, before, func(t *Turn) {
		if t.State != storage.Succeeded || retracted(t, retractions) {
			return
		}
		if isEmptied(t) {
			tail = newestMessages{}
		}
		tail.add(t.Messages, n)
	})
	return tail, err
}
