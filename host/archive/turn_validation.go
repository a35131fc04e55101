package archive

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// An import takes only turns that a host could have written itself. Otherwise a caller with the
// right to import could give a model instructions, or store turns that an export cannot write.

// earliestTime and maxAhead bound the times of a turn. A time before earliestTime, or more than
// maxAhead after now, is refused. earliestTime is the time of a host whose clock was never set.
// maxAhead is needed because the clocks of two hosts can differ.
var earliestTime = time.Unix(0, 0)

const maxAhead = 24 * time.Hour

// history holds facts about the earlier turns of a conversation, for the validation of the next
// turn.
type history struct {
	partial bool            // the export has only some of the conversation's turns
	number  int64           // the number of the last turn that succeeded
	calls   map[string]bool // the ids of the tool calls of the last turn that succeeded
}

// validate returns an error if no request to the API could name this conversation or this user.
func (l *conversationLine) validate() error {
	if err := bot.CheckID("id", l.ID); err != nil {
		return err
	}
	if l.User == "" {
		return nil
	}
	return bot.CheckID("user", l.User)
}

// validate returns an error if no host could have written the turn after the turns in h.
// Otherwise it adds the turn to h. validate does not compare the turn with the turns in the
// storage, because the storage does so itself.
func (l *turnLine) validate(h *history, now time.Time) error {
	if _, known := states[l.State]; !known {
		return fault.New(fault.Invalid, "is %q; expected running, succeeded, failed or interrupted", l.State).At("state")
	}
	t := l.turn()
	if size := t.Size(); size > MaxTurn {
		return fault.New(fault.Invalid, "turn %d has %d bytes; at most %d are taken", l.Sequence, size, MaxTurn)
	}
	err := cmp.Or(
		l.validateIDs(), validateTime("started_at", l.StartedAt, now), l.validateEnd(now),
		validateSize("reason", len(l.Reason), sdk.MaxReasonBytes),
		validateObject("metadata", l.Metadata, sdk.MaxMetadataBytes), validateObject("record", l.Record, sdk.MaxRecordBytes), validateRecord(l.Record),
		validateObject("usage", l.Usage, sdk.MaxUsageBytes), l.validateUsage(),
	)
	if err != nil {
		return err
	}
	return l.validateMessages(h)
}

func (l *turnLine) validateIDs() error {
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

func (l *turnLine) validateEnd(now time.Time) error {
	if l.EndedAt.IsZero() {
		return nil // the turn was running, or its contents were erased
	}
	return validateTime("ended_at", l.EndedAt, now)
}

func validateTime(field string, t, now time.Time) error {
	if t.Before(earliestTime) || t.After(now.Add(maxAhead)) {
		return fault.New(fault.Invalid, "is %s; expected a time from %s to a day from now", t.Format(time.RFC3339), earliestTime.UTC().Format(time.RFC3339)).At(field)
	}
	return nil
}

func validateSize(field string, size, limit int) error {
	if size > limit {
		return fault.New(fault.Invalid, "has %d bytes; a turn has %d at most", size, limit).At(field)
	}
	return nil
}

func validateObject(field string, raw json.RawMessage, limit int) error {
	if text := bytes.TrimSpace(raw); len(text) > 0 && text[0] != '{' && string(text) != "null" {
		return fault.New(fault.Invalid, "is not a JSON object").At(field)
	}
	return validateSize(field, len(raw), limit)
}

func validateRecord(raw json.RawMessage) error {
	if err := bot.CheckRecord(raw); err != nil {
		return fault.Of(err).At("record")
	}
	return nil
}

func (l *turnLine) validateUsage() error {
	u, err := storage.DecodeUsage(l.Usage)
	if err != nil {
		return fault.New(fault.Invalid, "does not have the counts of a usage").At("usage")
	}
	for _, n := range []int64{u.InputTokens, u.OutputTokens, u.CachedInputTokens, u.ReasoningTokens, u.CacheWriteTokens} {
		if n < 0 {
			return fault.New(fault.Invalid, "has a count below 0").At("usage")
		}
	}
	return nil
}

// validateMessages checks the order of the messages. It also checks that each tool result of a
// succeeded turn has its tool call in this turn or in the succeeded turn before it. A turn that fails
// because of other results is kept with them. A turn that retracts others goes on after an earlier one.
func (l *turnLine) validateMessages(h *history) error {
	emptied := l.User == "" && l.Key == "" && l.Reason == "" && l.Metadata == nil && l.Record == nil && storedUsage(l.Usage) == nil
	switch n := len(l.Messages); {
	case n == 0 && emptied:
		return l.validateNumber(h, nil)
	case n == 0:
		return fault.New(fault.Invalid, "is empty; a turn that was not emptied has a message at least").At("messages")
	case n > bounds.TurnMessages:
		return fault.New(fault.Invalid, "has %d messages; a turn has %d at most", n, bounds.TurnMessages).At("messages")
	}
	calls := map[string]bool{}
	replied := false
	for i, m := range l.Messages {
		if err := validateMessage(m.Message); err != nil {
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
			if r := p.ToolResult; r != nil && l.State == succeeded && l.RetractFrom == 0 && !calls[r.ToolCallID] && !h.calls[r.ToolCallID] && !h.partial {
				return fault.New(fault.Invalid, "has the result of a call %q that there was not", short(r.ToolCallID)).At("messages")
			}
		}
	}
	if last := l.Messages[len(l.Messages)-1].Role; l.State == succeeded && last != chat.Assistant {
		return fault.New(fault.Invalid, "ends with the role %q; a turn that succeeded ends with a reply", last).At("messages")
	}
	return l.validateNumber(h, calls)
}

// validateNumber checks that the succeeded turns are numbered without a gap, and that other
// turns have no number. calls are the ids of the tool calls of this turn.
func (l *turnLine) validateNumber(h *history, calls map[string]bool) error {
	switch {
	case l.State != succeeded && l.Number != 0:
		return fault.New(fault.Invalid, "is %d; a turn that did not succeed has no number", l.Number).At("number")
	case l.RetractFrom < 0 || l.RetractFrom > h.number && !h.partial:
		return fault.New(fault.Invalid, "is %d, which is no earlier turn", l.RetractFrom).At("retract_from")
	case l.Retracted && l.State != succeeded:
		return fault.New(fault.Invalid, "is set for a turn that did not succeed").At("retracted")
	case l.State == succeeded && l.Number != h.number+1 && (!h.partial || l.Number <= h.number):
		return fault.New(fault.Invalid, "is %d where %d belongs", l.Number, h.number+1).At("number")
	}
	if l.State == succeeded {
		h.number, h.calls = l.Number, calls
	}
	return nil
}

var succeeded = storage.Succeeded.String()

// allowedKinds has, by role, the kinds of parts that a message of the role can have. A part of
// a later version's kind is allowed everywhere.
var allowedKinds = map[chat.Role][]chat.Kind{
	chat.User: {chat.KindText, chat.KindMedia, chat.KindOther, chat.KindUnknown},
	chat.Assistant: {chat.KindText, chat.KindMedia, chat.KindReasoning, chat.KindToolCall, chat.KindRefusal, chat.KindOther,
		chat.KindUnknown},
	chat.Tool: {chat.KindToolResult, chat.KindUnknown},
}

// resultKinds has the kinds of parts that the result of a tool can have.
var resultKinds = []chat.Kind{chat.KindText, chat.KindMedia, chat.KindOther, chat.KindUnknown}

func validateMessage(m chat.Message) *fault.Error {
	allowed, known := allowedKinds[m.Role]
	switch {
	case m.Role == chat.System:
		return fault.New(fault.Invalid, "has the role %q, which no turn has: a tenant's instructions are in its configuration", m.Role)
	case !known:
		return fault.New(fault.Invalid, "has the role %q", short(string(m.Role)))
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		if !slices.Contains(allowed, p.Kind()) {
			return fault.New(fault.Invalid, "has a part that no message of the role %q has", m.Role)
		}
		if err := validatePart(p); err != nil {
			return err
		}
	}
	return nil
}

func validatePart(p *chat.Part) *fault.Error {
	set := 0
	for _, is := range []bool{p.Text != "", p.Media != nil, p.Reasoning != nil, p.ToolCall != nil, p.ToolResult != nil,
		p.Refusal != nil, p.Other != nil} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return fault.New(fault.Invalid, "has a part that is of two kinds")
	case p.State != nil && len(p.State.Data) > sdk.MaxProviderStateBytes:
		return fault.New(fault.Invalid, "has a provider state of %d bytes; at most %d are taken", len(p.State.Data), sdk.MaxProviderStateBytes)
	case p.ToolResult == nil:
		return nil
	}
	for i := range p.ToolResult.Parts {
		inner := &p.ToolResult.Parts[i]
		if !slices.Contains(resultKinds, inner.Kind()) {
			return fault.New(fault.Invalid, "has a result of a tool that is neither text nor media")
		}
		if err := validatePart(inner); err != nil {
			return err
		}
	}
	return nil
}

// short returns the first 40 bytes of a text, for error messages.
func short(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
