package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// converted is a conversation in the form of an export: its own line, and a line for each turn.
type converted struct {
	line  conversationLine
	turns []turnLine
}

// maxMetadata is how many bytes of metadata a turn may have, as JSON. maxMessages is how many messages a
// turn may have.
const (
	maxMetadata = 16 << 10
	maxMessages = 1024
)

// convert returns the conversation with its turns. A turn begins with user messages, and ends before
// the next user message that follows a reply. convert calls say for what it leaves out. It returns an
// error for a conversation that cannot be imported.
func convert(s state, zone *time.Location, say func(string, ...any)) (*converted, error) {
	if bad := badID(s.ID); bad != "" {
		return nil, errors.New("its id " + bad)
	}
	path, others, err := currentPath(s, say)
	if err != nil {
		return nil, err
	}
	if others > 0 {
		say("messages of other branches that are left out: %d", others)
	}
	user := text(s.Metadata["user_id"])
	if bad := badID(user); user != "" && bad != "" {
		say("its user_id is left out, because it %s", bad)
		user = ""
	}
	c := &converter{zone: zone, say: say, user: user, fallback: parseTime(s.CreatedAt, zone)}
	if c.fallback.IsZero() {
		c.fallback = time.Unix(0, 0).UTC() // the earliest time that an import takes; it is the same in each run
	}
	for _, n := range path {
		c.add(n)
	}
	c.end()
	if c.instructions > 0 {
		say("system messages that are left out, because a tenant's prompt is in its configuration: %d", c.instructions)
	}
	if len(c.turns) == 0 {
		return nil, errors.New("it has no message of a user")
	}
	c.turns[0].Metadata = c.session(s.Metadata)
	first, last := c.turns[0].StartedAt, c.turns[len(c.turns)-1].EndedAt
	out := &converted{turns: c.turns, line: conversationLine{Type: "conversation", ID: s.ID, User: user, CreatedAt: first, UpdatedAt: last}}
	if t := parseTime(s.CreatedAt, zone); !t.IsZero() {
		out.line.CreatedAt = t
	}
	if t := parseTime(s.UpdatedAt, zone); !t.IsZero() {
		out.line.UpdatedAt = t
	}
	for _, t := range c.turns {
		if len(t.Messages) > maxMessages {
			return nil, fmt.Errorf("turn %d has %d messages, more than %d", t.Sequence, len(t.Messages), maxMessages)
		}
	}
	return out, nil
}

// converter groups the messages of one conversation into turns.
type converter struct {
	zone         *time.Location
	say          func(string, ...any)
	user         string
	fallback     time.Time // the time of a message that has none: that of the message before it, or of the conversation
	turns        []turnLine
	current      *turnLine       // the turn that the next message may belong to
	replied      bool            // the current turn has a message of the model
	open         []openCall      // calls of the current turn without a result
	calls        int             // of the current turn
	ids          map[string]bool // the ids of these calls
	number       int             // of the last turn that succeeded
	instructions int             // system messages
}

// add adds one message to the current turn, or begins a turn with it.
func (c *converter) add(n node) {
	at := parseTime(n.Timestamp, c.zone)
	if at.IsZero() {
		at = c.fallback
	}
	c.fallback = at
	switch n.Message.Role {
	case "system":
		c.instructions++
		return
	case "user":
		if c.replied {
			c.end()
		}
	case "assistant", "tool", "function":
		if c.current == nil {
			c.say("a message of the role %q before any message of a user is left out", n.Message.Role)
			return
		}
	default:
		c.say("a message of the role %q is left out", n.Message.Role)
		return
	}
	if c.current == nil {
		c.current = &turnLine{Type: "turn", Sequence: len(c.turns) + 1, User: c.user, StartedAt: at, EndedAt: at}
	}
	c.current.EndedAt = later(c.current.EndedAt, at)
	m, ok := c.message(n)
	if !ok {
		return
	}
	c.current.Messages = append(c.current.Messages, m)
	if n.Message.Role == "assistant" {
		c.replied = true
		c.current.Usage = c.current.Usage.add(n.Metadata["usage"])
	}
}

// end ends the current turn. The turn has succeeded if its last message is one of the model.
func (c *converter) end() {
	t := c.current
	defer func() { c.current, c.replied, c.open, c.calls, c.ids = nil, false, nil, 0, nil }()
	if t == nil {
		return
	}
	c.dropOpenCalls()
	if len(t.Messages) == 0 {
		return
	}
	if t.Messages[len(t.Messages)-1].Role == "assistant" {
		c.number++
		t.State, t.Number = "succeeded", c.number
	} else {
		t.State, t.Reason = "interrupted", "canceled: it had no reply when it was migrated"
		c.say("turn %d has no reply, and is kept as interrupted", t.Sequence)
	}
	c.turns = append(c.turns, *t)
}

// session returns the metadata that the first turn gets: that of the conversation, without the keys
// that the export has elsewhere. It returns nil if there is none or too much.
func (c *converter) session(metadata map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range metadata {
		switch key {
		case "client_id", "user_id", "tools":
		default:
			out[key] = value
		}
	}
	if len(out) == 0 {
		return nil
	}
	if b, err := json.Marshal(out); err != nil || len(b) > maxMetadata {
		c.say("its metadata is left out: it has more than %d bytes", maxMetadata)
		return nil
	}
	return out
}
