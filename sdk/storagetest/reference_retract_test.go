package storagetest

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// live returns how many turns have succeeded and are not retracted.
func (r *reference) live(c *conversation) (n int64) {
	for _, t := range c.rows {
		if t.State == storage.Succeeded && (!t.Retracted || r.has("counts-retracted")) {
			n++
		}
	}
	return n
}

// liveRow returns the turn with the number, or nil if there is none or it is retracted.
func (c *conversation) liveRow(number int64) *row {
	for _, t := range c.rows {
		if t.Number == number && !t.Retracted {
			return t
		}
	}
	return nil
}

// retractable returns an error if no turn with the number can be retracted.
func (r *reference) retractable(c *conversation, number int64) error {
	if number == 0 || c.liveRow(number) != nil || r.has("retracts-anything") {
		return nil
	}
	if r.has("retract-refused-makes") {
		r.conversations[c.address] = c
	}
	return fault.New(fault.Conflict, "no turn has the number %d", number).At("retract_from")
}

// retract retracts what the turn t retracts.
func (r *reference) retract(c *conversation, t *row) {
	for _, old := range c.rows {
		if t.RetractFrom > 0 && old.Number >= t.RetractFrom && !old.Retracted && !(r.has("retracts-one") && old.Number > t.RetractFrom) {
			old.Retracted, t.retractedTo = true, old.Number
			if r.has("retracts-in-pieces") {
				r.pause(200 * time.Microsecond)
			}
		}
	}
}

// restore takes back what the turn t retracted. Only a flaw does that.
func (r *reference) restore(c *conversation, t *row) {
	for _, old := range c.rows {
		if old.Number >= t.RetractFrom {
			old.Retracted = false
		}
	}
}

// retractions returns the retractions by turns after the sequence.
func (r *reference) retractions(c *conversation, sequence int64) (all []storage.Retraction) {
	for _, t := range c.rows {
		if t.RetractFrom > 0 && (t.Sequence > sequence || r.has("all-retractions")) {
			all = append(all, storage.Retraction{Sequence: t.Sequence, From: t.RetractFrom, To: t.retractedTo})
		}
	}
	return all
}

// branching says what a conversation is a branch of.
type branching struct {
	source         string
	turns, through int64
}

func (r *reference) Branch(_ context.Context, req *storage.BranchRequest) (*storage.BranchResult, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := req.Validate(); err != nil {
		return nil, err
	}
	if r.dead[r.tenant(req.Call)] {
		return nil, fault.New(fault.Conflict, "this incarnation is over")
	}
	there := r.conversations[r.address(req.Call)]
	if there != nil && !r.has("branches-over") {
		if b := there.branch; b != nil && b.source == req.Source && (req.Through == 0 || req.Through == b.through) && !r.has("branch-once") {
			turns := b.turns
			if r.has("branch-counts-now") {
				turns = r.live(there)
			}
			return &storage.BranchResult{Turns: turns, Through: b.through, Incarnation: r.incarnationOf(there)}, nil
		}
		return nil, fault.New(fault.Conflict, "exists")
	}
	at := req.Call
	at.Conversation = req.Source
	source := r.conversations[r.address(at)]
	if source == nil || !r.admits(source, req.Call, req.Owned && !r.has("branches-anybodys")) {
		return nil, fault.New(fault.NotFound, "no such conversation")
	}
	if req.Through > 0 && source.liveRow(req.Through) == nil && !r.has("branches-anything") {
		return nil, fault.New(fault.Conflict, "no turn has the number %d", req.Through).At("through")
	}
	c := r.create(req.Call, source.created)
	c.branch, c.updated = &branching{source: req.Source}, source.updated
	for _, t := range source.rows {
		if t.State != storage.Succeeded || t.Retracted && !r.has("branches-retracted") || req.Through > 0 && t.Number > req.Through {
			continue
		}
		copied := *t
		copied.imported, copied.overtaken, copied.RetractFrom = !r.has("branch-keys-replay"), true, 0
		copied.Sequence, copied.Number = int64(len(c.rows))+1, int64(len(c.rows))+1
		if r.has("branch-takes-over") {
			copied.User = req.Call.User
		}
		if r.has("branch-keeps-numbers") {
			copied.Number = t.Number
		}
		c.rows, c.branch.through = append(c.rows, &copied), t.Number
	}
	if n := len(c.rows); r.has("branch-lags") && n > 0 && len(source.rows) > 20 && source.running() != nil {
		c.rows = c.rows[:n-1]
	}
	c.branch.turns = int64(len(c.rows))
	r.conversations[c.address] = c
	return &storage.BranchResult{Turns: c.branch.turns, Through: c.branch.through, Incarnation: r.incarnationOf(c)}, nil
}

var _ storage.Brancher = (*reference)(nil)

// conversationOf returns the conversation with the incarnation, or nil.
func (r *reference) conversationOf(call sdk.Call, incarnation string) *conversation {
	c := r.conversations[r.address(call)]
	if c == nil || r.incarnationOf(c) != incarnation {
		return nil
	}
	return c
}
