package memstore

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// conversation is one incarnation of a conversation id, with all its turns. The mutex of the tenant
// guards it.
type conversation struct {
	id, user    string
	incarnation uint64
	created     time.Time
	updated     time.Time
	turns       []*turn // all turns, in the order of their sequences
	succeeded   []*turn // the succeeded turns, in the order of their numbers
	running     *turn   // nil when no turn is running
	keys        keys
	bytes       int64
	guests      map[string]struct{} // users who wrote in the conversation and do not own it
}

// turn is one turn of a conversation. After the turn has ended, only the deletion of its user
// changes it.
type turn struct {
	storage.Turn
	holder  *holder // nil after the turn has ended
	attempt string  // the attempt of the turn's Begin; empty after the turn has ended
	// fenced is true when no fence is valid for the turn any more. That is so after a later Begin
	// has interrupted the turn, after the turn was emptied, and for an imported turn.
	fenced bool
}

// startedBy returns the running turn if req repeats the Begin that started that turn. Otherwise it
// returns nil.
func (c *conversation) startedBy(req *storage.BeginRequest) *turn {
	if c.running == nil || req.Attempt == "" || req.Attempt != c.running.attempt {
		return nil
	}
	return c.running
}

// withoutStart returns the result of a Begin that may not start a turn: KeyReused, Replay or Busy.
// withoutStart returns nil when the Begin may start a turn.
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

// interruptExpired ends the running turn as interrupted and returns the turn's holder. It returns
// nil when no turn is running. The caller has checked that the lease of the running turn has
// expired.
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

// start appends a running turn to the conversation. The caller has checked that no turn is running.
func (c *conversation) start(req *storage.BeginRequest, h *holder, stamp time.Time, elapsed time.Duration) *turn {
	t := &turn{holder: h, attempt: req.Attempt, Turn: storage.Turn{
		Sequence:  int64(len(c.turns)) + 1,
		State:     storage.Running,
		User:      req.Call.User,
		Messages:  bodiesOf(req.Messages),
		StartedAt: stamp,
		Metadata:  bytes.Clone(req.Metadata),
		Key:       req.Key,
	}}
	c.add(t)
	c.running, c.updated = t, stamp
	c.keys.add(req.Key, bytes.Clone(req.Digest), t, elapsed)
	return t
}

// add appends the turn to the conversation. If another user owns the conversation, add records the
// turn's user as a guest.
func (c *conversation) add(t *turn) {
	c.turns = append(c.turns, t)
	if t.User != "" && t.User != c.user {
		if c.guests == nil {
			c.guests = map[string]struct{}{}
		}
		c.guests[t.User] = struct{}{}
	}
}

// visibleTo reports whether the call may see the conversation. If owned is true, only the owner of
// the conversation may see it. c may be nil, and is then invisible to every call.
func (c *conversation) visibleTo(call sdk.Call, owned bool) bool {
	return c != nil && (!owned || c.user == call.User)
}

// commit ends the running turn t with the state and the messages of the request.
func (c *conversation) commit(t *turn, req *storage.CommitRequest, stamp time.Time) {
	t.Reason = req.Reason
	t.Messages = append(slices.Clip(t.Messages), bodiesOf(req.Messages)...)
	t.Usage = bytes.Clone(req.Usage)
	t.Record = bytes.Clone(req.Record)
	if req.State == storage.Succeeded {
		c.succeeded = append(c.succeeded, t)
		t.Number = int64(len(c.succeeded))
	}
	c.end(t, req.State, stamp)
}

// end sets the state of the running turn t, and leaves the conversation without a running turn.
func (c *conversation) end(t *turn, state storage.State, stamp time.Time) {
	t.State, t.EndedAt, t.holder, t.attempt = state, stamp, nil, ""
	c.running, c.updated = nil, stamp
}

// tail returns the newest succeeded turns, oldest first, up to the one with which they have n
// messages or more. It leaves out emptied turns, and stops before the turn with which the turns
// would have more than the given number of bytes. cut reports whether that bound left turns out.
func (c *conversation) tail(n, bytes int) (tail []storage.Turn, cut bool) {
	for _, t := range slices.Backward(c.succeeded) {
		if n <= 0 {
			break
		}
		if len(t.Messages) == 0 {
			continue
		}
		if bytes -= t.TailSize(); bytes < 0 {
			cut = true
			break
		}
		n -= len(t.Messages)
		tail = append(tail, storage.Turn{Sequence: t.Sequence, Number: t.Number, State: t.State, User: t.User,
			Messages: slices.Clone(t.Messages), StartedAt: t.StartedAt, EndedAt: t.EndedAt})
	}
	slices.Reverse(tail)
	return tail, cut
}

// view returns a copy of the turn, which the caller may change. The copy shares the contents of the
// messages with the turn, because the contents are immutable.
func (t *turn) view() storage.Turn {
	v := t.Turn
	v.Messages = slices.Clone(v.Messages)
	v.Metadata = bytes.Clone(v.Metadata)
	v.Record = bytes.Clone(v.Record)
	v.Usage = bytes.Clone(v.Usage)
	return v
}

// bodiesOf returns the messages without their texts, which nobody reads in this storage.
func bodiesOf(messages []storage.Message) []storage.Message {
	out := make([]storage.Message, len(messages))
	for i, m := range messages {
		out[i].Body = m.Body
	}
	return out
}

// incarnationOf returns the text that names this incarnation of the conversation id.
func (s *Store) incarnationOf(c *conversation) string {
	return fmt.Sprintf("%s.%d", s.storeID, c.incarnation)
}

// entry returns the conversation's entry in the result of List.
func (s *Store) entry(c *conversation) storage.Conversation {
	return storage.Conversation{
		ID: c.id, User: c.user, Turns: int64(len(c.succeeded)),
		CreatedAt: c.created, UpdatedAt: c.updated, Incarnation: s.incarnationOf(c),
	}
}
