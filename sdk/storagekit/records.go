package storagekit

import (
	"slices"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// conversation is one incarnation of a conversation id. cid identifies the incarnation, and id is the
// id that callers use.
type conversation struct {
	cid, id, user    string
	created, updated time.Time
	sequence         int64 // of the newest turn
	number           int64 // the greatest that a turn has had
	live             int64 // how many turns have succeeded and are not retracted
	open             run   // the newest run of live turns, unless it is closed
	running          int64 // the sequence of the running turn; 0 if none runs
	attempt, holder  string
	until            time.Time // the end of the running turn's lease, unless it was renewed
	branchOf         string    // the conversation of which this one is a branch, or ""
	branchAt         int64     // the number of the last turn that was copied
	branchTurns      int64     // how many turns were copied
}

// ended returns the sequence up to which all turns have ended.
func (c *conversation) ended() int64 {
	if c.running != 0 {
		return c.running - 1
	}
	return c.sequence
}

// encode appends the record of the conversation to b.
func (c *conversation) encode(b []byte) []byte {
	e := encoder{b}
	e.text(c.cid)
	e.text(c.id)
	e.text(c.user)
	e.time(c.created)
	e.time(c.updated)
	e.number(c.sequence)
	e.number(c.number)
	e.number(c.live)
	c.open.encode(&e)
	e.number(c.running)
	e.text(c.attempt)
	e.text(c.holder)
	e.time(c.until)
	e.text(c.branchOf)
	e.number(c.branchAt)
	e.number(c.branchTurns)
	return e.b
}

func decodeConversation(b []byte) (*conversation, error) {
	c := &conversation{}
	return c, c.decode(b)
}

func (c *conversation) decode(b []byte) error {
	d := decoder{b: b}
	*c = conversation{
		cid: d.text(), id: d.text(), user: d.text(), created: d.time(), updated: d.time(), sequence: d.number(), number: d.number(), live: d.number(),
	}
	c.open.decode(&d)
	c.running, c.attempt, c.holder, c.until = d.number(), d.text(), d.text(), d.time()
	c.branchOf, c.branchAt, c.branchTurns = d.text(), d.number(), d.number()
	return d.err()
}

// entry returns the conversation's entry in the result of List.
func (c *conversation) entry() storage.Conversation {
	return storage.Conversation{ID: c.id, User: c.user, Turns: c.live, CreatedAt: c.created, UpdatedAt: c.updated,
		Incarnation: c.cid, BranchOf: c.branchOf, BranchAt: c.branchAt}
}

// turn is a turn and the token of its fence. The token is empty if no fence is valid for the turn.
type turn struct {
	storage.Turn
	token string
}

// encode begins with what a tail has of a turn, so that decodeTailTurn reads no more.
func (t *turn) encode(b []byte) []byte {
	e := encoder{slices.Grow(b, 160+len(t.Record)+len(t.Usage)+len(t.Metadata)+storage.Size(t.Messages))}
	e.number(t.Sequence)
	e.number(t.Number)
	e.number(int64(t.State))
	e.bool(t.Retracted)
	e.text(t.User)
	e.time(t.StartedAt)
	e.time(t.EndedAt)
	e.number(int64(len(t.Messages)))
	for _, m := range t.Messages {
		e.bytes(m.Body)
	}
	e.text(t.Reason)
	e.bytes(t.Usage)
	e.bytes(t.Metadata)
	e.bytes(t.Record)
	e.text(t.Key)
	e.number(t.RetractFrom)
	e.text(t.token)
	return e.b
}

func decodeTurn(b []byte) (*turn, error) {
	t := &turn{}
	return t, t.decode(b)
}

func (t *turn) decode(b []byte) error {
	d := decoder{b: b}
	*t = turn{Turn: storage.Turn{
		Sequence: d.number(), Number: d.number(), State: storage.State(d.number()), Retracted: d.bool(), User: d.text(),
		StartedAt: d.time(), EndedAt: d.time(), Messages: d.messages(nil), Reason: d.text(), Usage: d.bytes(),
		Metadata: d.bytes(), Record: d.bytes(), Key: d.text(), RetractFrom: d.number(),
	}, token: d.text()}
	return d.err()
}

// decodeTailTurn sets t to what a tail has of a turn. The user is the given text if it is equal, and the
// messages are in room if it is large enough.
func decodeTailTurn(t *storage.Turn, b []byte, user string, room []storage.Message) error {
	d := decoder{b: b}
	t.Sequence, t.Number, t.State, t.Retracted = d.number(), d.number(), storage.State(d.number()), d.bool()
	if t.User = user; !d.isText(user) {
		t.User = d.text()
	}
	t.StartedAt, t.EndedAt = d.time(), d.time()
	t.Messages = d.messages(room)
	return d.err()
}

// messages reads the messages of a turn into room, if it is large enough.
func (d *decoder) messages(room []storage.Message) []storage.Message {
	n := d.number()
	if n < 0 || n > int64(len(d.b)) {
		d.bad = true
		return nil
	}
	if n == 0 {
		return nil
	}
	if n > int64(len(room)) {
		room = make([]storage.Message, n)
	}
	messages := room[:n:n]
	for i := range messages {
		messages[i].Body = d.bytes()
	}
	return messages
}

// use is what is known of an idempotency key: its newest turn.
type use struct {
	sequence int64
	digest   []byte
	at       time.Time
}

func (u use) encode() []byte {
	e := encoder{}
	e.number(u.sequence)
	e.bytes(u.digest)
	e.time(u.at)
	return e.b
}

func decodeUse(b []byte) (use, error) {
	d := decoder{b: b}
	u := use{sequence: d.number(), digest: d.bytes(), at: d.time()}
	return u, d.err()
}

// cursor is the record of a cursor, or of what must be forgotten. A holder has the claim of it until
// the given time.
type cursor struct {
	conversation string
	sequence     int64
	data         []byte
	holder       string
	until        time.Time
}

func (c *cursor) encode() []byte {
	e := encoder{}
	e.text(c.conversation)
	e.number(c.sequence)
	e.bytes(c.data)
	e.text(c.holder)
	e.time(c.until)
	return e.b
}

func decodeCursor(b []byte) (*cursor, error) {
	d := decoder{b: b}
	c := &cursor{conversation: d.text(), sequence: d.number(), data: d.bytes(), holder: d.text(), until: d.time()}
	return c, d.err()
}

// heldByOther reports whether somebody other than the holder has the claim.
func (c *cursor) heldByOther(holder string, now time.Time) bool {
	return c.holder != holder && c.until.After(now)
}

// trash is the record of a deleted conversation of which turns are left.
type trash struct{ id, user string }

func (t trash) encode() []byte {
	e := encoder{}
	e.text(t.id)
	e.text(t.user)
	return e.b
}

func decodeTrash(b []byte) (trash, error) {
	d := decoder{b: b}
	t := trash{id: d.text(), user: d.text()}
	return t, d.err()
}

// generation is the record of an incarnation of a tenant. The generations from oldest to current may
// have keys. Only current is visible. ended says that the incarnation takes no writes.
type generation struct {
	current, oldest int64
	ended           bool
	followed        bool // whether the incarnation may have store keys; if not, nobody scans for them
}

func (g generation) encode() []byte {
	e := encoder{}
	e.number(g.current)
	e.number(g.oldest)
	e.bool(g.ended)
	e.bool(g.followed)
	return e.b
}

func decodeGeneration(b []byte) (generation, error) {
	d := decoder{b: b}
	g := generation{current: d.number(), oldest: d.number(), ended: d.bool(), followed: d.bool()}
	return g, d.err()
}
