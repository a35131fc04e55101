package memstore

import (
	"bytes"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// conversation is one incarnation of a conversation id. It has all turns, and the running one if
// there is one.
type conversation struct {
	id, user    string
	incarnation uint64
	created     time.Time
	updated     time.Time
	turns       []*turn // all, by sequence
	succeeded   []*turn // by number
	running     *turn   // nil when free
	keys        keys
	bytes       int64
	guests      map[string]struct{} // users other than its owner that wrote in it
}

// turn is one turn. After its end it never changes, unless it is emptied.
type turn struct {
	storage.Turn
	holder  *holder // while running
	attempt string  // while running: identifies a repeat of its Begin
	fenced  bool    // no fence is valid for it: it was interrupted by a later Begin, imported or emptied
}

// startedBy returns the running turn if req is the Begin that started it, else nil.
func (c *conversation) startedBy(req *storage.BeginRequest) *turn {
	if c.running == nil || req.Attempt == "" || req.Attempt != c.running.attempt {
		return nil
	}
	return c.running
}

// withoutStart returns the result of a Begin that starts no turn: key reused, replay or busy. It
// returns nil when a turn may start.
func (c *conversation) withoutStart(req *storage.BeginRequest, elapsed time.Duration) *storage.BeginResult {
	if k, ok := c.keys.find(req.Key, elapsed); ok {
		if !bytes.Equal(k.digest, req.Digest) {
			return &storage.BeginResult{KeyReused: true}
		}
		if k.turn.State == storage.Succeeded {
			replay := k.turn.view()
			return &storage.BeginResult{Replay: &replay}
		}
	}
	if c.held(elapsed) {
		same := req.Key != "" && req.Key == c.running.Key
		return &storage.BeginResult{Busy: &storage.Busy{SameKey: same}}
	}
	return nil
}

// interruptExpired interrupts the running turn, whose lease has ended, and returns its holder. It
// returns nil when no turn runs.
func (c *conversation) interruptExpired(stamp time.Time) *holder {
	t := c.running
	if t == nil {
		return nil
	}
	dead := t.holder
	t.fenced = true
	t.Reason = fault.Deadline.String() + ": the lease of the turn's holder ran out"
	c.end(t, storage.Interrupted, stamp)
	return dead
}

// start adds a running turn. None may be running.
func (c *conversation) start(req *storage.BeginRequest, h *holder, stamp time.Time, elapsed time.Duration) *turn {
	t := &turn{holder: h, attempt: req.Attempt, Turn: storage.Turn{
		Sequence:  int64(len(c.turns)) + 1,
		State:     storage.Running,
		User:      req.Call.User,
		Messages:  []chat.Message{req.Message},
		StartedAt: stamp,
		Metadata:  bytes.Clone(req.Metadata),
		Key:       req.Key,
	}}
	c.add(t)
	c.running, c.updated = t, stamp
	c.keys.add(req.Key, bytes.Clone(req.Digest), t, elapsed)
	return t
}

// add appends a turn.
func (c *conversation) add(t *turn) {
	c.turns = append(c.turns, t)
	if t.User != "" && t.User != c.user {
		if c.guests == nil {
			c.guests = map[string]struct{}{}
		}
		c.guests[t.User] = struct{}{}
	}
}

// visibleTo reports whether the conversation exists for the call: with owned, only if it is the
// call's user's. c may be nil.
func (c *conversation) visibleTo(call sdk.Call, owned bool) bool {
	return c != nil && (!owned || c.user == call.User)
}

// commit ends the running turn as the request says.
func (c *conversation) commit(t *turn, req *storage.CommitRequest, stamp time.Time) {
	t.Reason = req.Reason
	t.Messages = slices.Concat(t.Messages, req.Messages)
	t.Usage = req.Usage
	t.Record = bytes.Clone(req.Record)
	if req.State == storage.Succeeded {
		c.succeeded = append(c.succeeded, t)
		t.Number = int64(len(c.succeeded))
	}
	c.end(t, req.State, stamp)
}

// end ends the running turn.
func (c *conversation) end(t *turn, state storage.State, stamp time.Time) {
	t.State, t.EndedAt, t.holder, t.attempt = state, stamp, nil, ""
	c.running, c.updated = nil, stamp
}

// tail returns the newest messages of succeeded turns, oldest first, at most n. It reads whole
// turns, which together have at most the given bytes. cut reports whether turns were left out
// because of their bytes.
func (c *conversation) tail(n, bytes int) (tail []chat.Message, cut bool) {
	first, have := len(c.succeeded), 0
	for first > 0 && have < n {
		messages := c.succeeded[first-1].Messages
		if bytes -= chat.Size(messages); bytes < 0 {
			cut = true
			break
		}
		first--
		have += len(messages)
	}
	if have == 0 {
		return nil, cut
	}
	tail = make([]chat.Message, 0, have)
	for _, t := range c.succeeded[first:] {
		tail = append(tail, t.Messages...)
	}
	return tail[max(0, have-n):], cut
}

// view returns a copy of the turn for the caller to keep. Messages are shared: nobody changes
// them.
func (t *turn) view() storage.Turn {
	v := t.Turn
	v.Messages = slices.Clone(v.Messages)
	v.Metadata = bytes.Clone(v.Metadata)
	v.Record = bytes.Clone(v.Record)
	return v
}

// entry returns the conversation as List shows it.
func (c *conversation) entry() storage.Conversation {
	return storage.Conversation{
		ID: c.id, User: c.user, Turns: int64(len(c.succeeded)),
		CreatedAt: c.created, UpdatedAt: c.updated,
	}
}
