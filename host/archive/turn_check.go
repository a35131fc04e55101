package archive

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// An import takes what turns could have written, and nothing else: whoever can import
// could give a model instructions otherwise, or a storage what breaks the next export.

// earliest and ahead bound when a turn can have been. Clocks differ, and one that was
// never set begins with earliest.
var earliest = time.Unix(0, 0)

const ahead = 24 * time.Hour

// history is what the turns before have, of a conversation that is imported.
type history struct {
	partial bool            // turns are missing
	number  int64           // of the last turn that succeeded
	calls   map[string]bool // of tools, in that turn
}

// check refuses a conversation that nobody could reach.
func (l *conversationLine) check() error {
	if err := bot.CheckID("id", l.ID); err != nil {
		return err
	}
	if l.User == "" {
		return nil
	}
	return bot.CheckID("user", l.User)
}

// check refuses what is no turn. Whether it fits to what is there already is the
// storage's to say.
func (l *turnLine) check(h *history, now time.Time) error {
	if _, known := states[l.State]; !known {
		return fault.New(fault.Invalid, "is %q; expected running, succeeded, failed or interrupted", l.State).At("state")
	}
	t := l.turn()
	if size := t.Size(); size > MaxTurn {
		return fault.New(fault.Invalid, "turn %d has %d bytes; at most %d are taken", l.Sequence, size, MaxTurn)
	}
	err := cmp.Or(
		l.checkIDs(), checkTime("started_at", l.StartedAt, now), l.checkEnd(now),
		checkSize("reason", len(l.Reason), sdk.MaxReasonBytes),
		checkObject("metadata", l.Metadata, sdk.MaxMetadataBytes), checkObject("record", l.Record, sdk.MaxRecordBytes), l.checkUsage(),
	)
	if err != nil {
		return err
	}
	return l.checkMessages(h)
}

func (l *turnLine) checkIDs() error {
	if l.User != "" {
		if err := bot.CheckID("user", l.User); err != nil {
			return err
		}
	}
	if l.Key != "" {
		return bot.CheckID("key", l.Key)
	}
	return nil
}

func (l *turnLine) checkEnd(now time.Time) error {
	if l.EndedAt.IsZero() {
		return nil // it was running, or emptied
	}
	return checkTime("ended_at", l.EndedAt, now)
}

func checkTime(field string, t, now time.Time) error {
	if t.Before(earliest) || t.After(now.Add(ahead)) {
		return fault.New(fault.Invalid, "is %s; expected a time from %s to a day from now", t.Format(time.RFC3339), earliest.UTC().Format(time.RFC3339)).At(field)
	}
	return nil
}

func checkSize(field string, size, most int) error {
	if size > most {
		return fault.New(fault.Invalid, "has %d bytes; a turn has %d at most", size, most).At(field)
	}
	return nil
}

func checkObject(field string, raw json.RawMessage, most int) error {
	if text := bytes.TrimSpace(raw); len(text) > 0 && text[0] != '{' && string(text) != "null" {
		return fault.New(fault.Invalid, "is not a JSON object").At(field)
	}
	return checkSize(field, len(raw), most)
}

func (l *turnLine) checkUsage() error {
	for _, n := range []int64{l.Usage.InputTokens, l.Usage.OutputTokens, l.Usage.CachedInputTokens, l.Usage.ReasoningTokens} {
		if n < 0 {
			return fault.New(fault.Invalid, "has a count below 0").At("usage")
		}
	}
	return nil
}

func (l *turnLine) checkMessages(h *history) error {
	emptied := l.User == "" && l.Key == "" && l.Reason == "" && l.Metadata == nil && l.Record == nil && l.Usage == chat.Usage{}
	switch n := len(l.Messages); {
	case n == 0 && emptied:
		return l.checkNumber(h, nil)
	case n == 0:
		return fault.New(fault.Invalid, "is empty; a turn that was not emptied has a message at least").At("messages")
	case n > bounds.TurnMessages:
		return fault.New(fault.Invalid, "has %d messages; a turn has %d at most", n, bounds.TurnMessages).At("messages")
	}
	calls := map[string]bool{}
	replied := false
	for i, m := range l.Messages {
		if err := checkMessage(m); err != nil {
			return fault.New(fault.Invalid, "message %d: %s", i+1, err.Message).At("messages")
		}
		switch {
		case m.Role == chat.Assistant && i == 0:
			return fault.New(fault.Invalid, "begins with the role %q; a turn begins with what its caller sent", m.Role).At("messages")
		case m.Role == chat.User && replied:
			return fault.New(fault.Invalid, "has the role %q after a reply; that would be another turn", m.Role).At("messages")
		}
		replied = replied || m.Role == chat.Assistant
		for _, p := range m.Parts {
			if p.ToolCall != nil {
				calls[p.ToolCall.ID] = true
			}
			if r := p.ToolResult; r != nil && !calls[r.ToolCallID] && !h.calls[r.ToolCallID] && !h.partial {
				return fault.New(fault.Invalid, "has the result of a call %q that there was not", short(r.ToolCallID)).At("messages")
			}
		}
	}
	if last := l.Messages[len(l.Messages)-1].Role; l.State == succeeded && last != chat.Assistant {
		return fault.New(fault.Invalid, "ends with the role %q; a turn that succeeded ends with a reply", last).At("messages")
	}
	return l.checkNumber(h, calls)
}

// checkNumber has the turns that succeeded be numbered without a gap.
func (l *turnLine) checkNumber(h *history, calls map[string]bool) error {
	switch {
	case l.State != succeeded && l.Number != 0:
		return fault.New(fault.Invalid, "is %d; a turn that did not succeed has no number", l.Number).At("number")
	case l.State == succeeded && l.Number != h.number+1 && (!h.partial || l.Number <= h.number):
		return fault.New(fault.Invalid, "is %d where %d belongs", l.Number, h.number+1).At("number")
	}
	if l.State == succeeded {
		h.number, h.calls = l.Number, calls
	}
	return nil
}

var succeeded = storage.Succeeded.String()

// kinds are the parts that a message of a role can have.
var kinds = map[chat.Role]func(chat.Part) bool{
	chat.User:      func(p chat.Part) bool { return p.Reasoning == nil && p.ToolCall == nil && p.ToolResult == nil },
	chat.Assistant: func(p chat.Part) bool { return p.ToolResult == nil },
	chat.Tool:      func(p chat.Part) bool { return p.ToolResult != nil },
}

func checkMessage(m chat.Message) *fault.Error {
	may, known := kinds[m.Role]
	switch {
	case m.Role == chat.System:
		return fault.New(fault.Invalid, "has the role %q, which no turn has: a tenant's instructions are in its configuration", m.Role)
	case !known:
		return fault.New(fault.Invalid, "has the role %q", short(string(m.Role)))
	}
	for _, p := range m.Parts {
		if !may(p) {
			return fault.New(fault.Invalid, "has a part that no message of the role %q has", m.Role)
		}
		if err := checkPart(p); err != nil {
			return err
		}
	}
	return nil
}

func checkPart(p chat.Part) *fault.Error {
	set := 0
	for _, is := range []bool{p.Text != "", p.Image != nil, p.Reasoning != nil, p.ToolCall != nil, p.ToolResult != nil} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return fault.New(fault.Invalid, "has a part that is of two kinds")
	case p.Reasoning != nil && len(p.Reasoning.Signature) > sdk.MaxSignatureBytes:
		return fault.New(fault.Invalid, "has a signature of %d bytes; at most %d are taken", len(p.Reasoning.Signature), sdk.MaxSignatureBytes)
	case p.ToolResult == nil:
		return nil
	}
	for _, inner := range p.ToolResult.Parts {
		if inner.Reasoning != nil || inner.ToolCall != nil || inner.ToolResult != nil {
			return fault.New(fault.Invalid, "has a result of a tool that is neither text nor an image")
		}
		if err := checkPart(inner); err != nil {
			return err
		}
	}
	return nil
}

// short is the beginning of a text that an error repeats.
func short(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
