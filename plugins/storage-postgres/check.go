package pgstore

import (
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func invalid(path, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).At(path)
}

// checkText refuses what Postgres cannot keep in a text.
func checkText(path, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return invalid(path, "has the character NUL in it, which this storage cannot keep")
	}
	if !utf8.ValidString(s) {
		return invalid(path, "is not UTF-8")
	}
	return nil
}

// checkTenant checks what every call names.
func checkTenant(call sdk.Call) error {
	if call.Tenant == "" {
		return invalid("tenant", "the call names no tenant")
	}
	for path, s := range map[string]string{
		"tenant": call.Tenant, "conversation": call.Conversation, "user": call.User, "incarnation": call.Incarnation,
	} {
		if err := checkText(path, s); err != nil {
			return err
		}
	}
	return nil
}

func checkConversation(call sdk.Call) error {
	if call.Conversation == "" {
		return invalid("conversation", "the call names no conversation")
	}
	return checkTenant(call)
}

func checkLimit(limit int) error {
	if limit < 1 || limit > storage.MaxPage {
		return invalid("limit", "a page has 1 to %d entries", storage.MaxPage)
	}
	return nil
}

func checkBegin(req *storage.BeginRequest) error {
	switch {
	case req.Tail < 0:
		return invalid("tail", "a tail cannot be negative")
	case req.Holder == "":
		return invalid("holder", "a turn needs a holder")
	case req.Lease <= 0:
		return invalid("lease", "a lease must be longer than nothing")
	}
	for path, s := range map[string]string{"holder": req.Holder, "key": req.Key, "attempt": req.Attempt} {
		if err := checkText(path, s); err != nil {
			return err
		}
	}
	if err := checkMessages("message", req.Message); err != nil {
		return err
	}
	return checkConversation(req.Call)
}

func checkCommit(req *storage.CommitRequest) error {
	switch req.State {
	case storage.Succeeded:
		if len(req.Messages) == 0 {
			return invalid("messages", "a turn that succeeded has a reply")
		}
	case storage.Failed, storage.Interrupted:
	case storage.Running:
		return invalid("state", "a commit ends the turn")
	default:
		return invalid("state", "%d is no state of a turn", req.State)
	}
	if err := checkText("reason", req.Reason); err != nil {
		return err
	}
	if err := checkMessages("messages", req.Messages...); err != nil {
		return err
	}
	return checkConversation(req.Call)
}

// checkTurns refuses turns to import that contradict themselves.
func checkTurns(turns []storage.Turn) error {
	number := int64(0)
	for i, t := range turns {
		ended := t.State == storage.Succeeded || t.State == storage.Failed || t.State == storage.Interrupted
		switch {
		case t.Sequence < 1 || i > 0 && t.Sequence != turns[i-1].Sequence+1:
			return invalid("turns", "the turns are not in the order of their sequence, one by one")
		case !ended:
			return invalid("turns", "turn %d has not ended", t.Sequence)
		case (t.State == storage.Succeeded) != (t.Number > 0) || t.Number < 0:
			return invalid("turns", "turn %d has %s and number %d", t.Sequence, t.State, t.Number)
		case t.Number > 0 && number > 0 && t.Number != number+1:
			return invalid("turns", "turn %d has number %d after number %d", t.Sequence, t.Number, number)
		}
		number = max(number, t.Number)
		for path, s := range map[string]string{"turns.reason": t.Reason, "turns.user": t.User, "turns.key": t.Key} {
			if err := checkText(path, s); err != nil {
				return err
			}
		}
		if err := checkMessages("turns.messages", t.Messages...); err != nil {
			return err
		}
	}
	return nil
}

// checkMessages looks at every text in the messages: as JSON, NUL would be kept, but
// no function of the database could read it.
func checkMessages(path string, messages ...chat.Message) error {
	for _, m := range messages {
		if err := checkText(path, string(m.Role)); err != nil {
			return err
		}
		if err := checkParts(path, m.Parts); err != nil {
			return err
		}
	}
	return nil
}

func checkParts(path string, parts []chat.Part) error {
	for _, p := range parts {
		texts := []string{p.Text}
		if i := p.Image; i != nil {
			texts = append(texts, i.MediaType, i.URL)
		}
		if r := p.Reasoning; r != nil {
			texts = append(texts, r.Text)
		}
		if c := p.ToolCall; c != nil {
			texts = append(texts, c.ID, c.Name, c.Arguments)
		}
		if r := p.ToolResult; r != nil {
			texts = append(texts, r.ToolCallID, r.Name)
			if err := checkParts(path, r.Parts); err != nil {
				return err
			}
		}
		for _, s := range texts {
			if err := checkText(path, s); err != nil {
				return err
			}
		}
	}
	return nil
}
