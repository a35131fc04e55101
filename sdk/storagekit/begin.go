package storagekit

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Begin implements [storage.Storage]. When a caller repeats the Begin of a turn that is still
// running, Begin returns the result of the first Begin again and renews the turn's lease.
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (result *storage.BeginResult, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	err = s.update(ctx, req.Call, func(x *change) (err error) {
		result, err = x.begin(req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (x *change) begin(req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := x.mustLive(); err != nil {
		return nil, err
	}
	now := x.now()
	c, err := x.own()
	if err != nil {
		return nil, err
	}
	if c == nil {
		if req.RetractFrom > 0 {
			return nil, fault.New(fault.Conflict, "the conversation has no turn %d", req.RetractFrom).At("retract_from")
		}
		if c, err = x.add(now); err != nil {
			return nil, err
		}
		return x.start(c, req, now)
	}
	if req.Owned && c.user != req.Call.User {
		return nil, fault.New(fault.NotFound, "there is no such conversation")
	}
	if c.running != 0 && req.Attempt != "" && c.attempt == req.Attempt {
		return x.startAgain(c, req, now)
	}
	if result, err := x.withoutStart(c, req, now); result != nil || err != nil {
		return result, err
	}
	if c.running != 0 {
		if err := x.interrupt(c, now); err != nil {
			return nil, err
		}
	}
	return x.start(c, req, now)
}

// startAgain returns the result of a Begin whose turn is running already.
func (x *change) startAgain(c *conversation, req *storage.BeginRequest, now time.Time) (*storage.BeginResult, error) {
	t, err := x.turn(c.cid, c.running)
	if err != nil {
		return nil, err
	}
	c.until = later(c.until, leaseEnd(now, req.Lease))
	if err := x.save(c); err != nil {
		return nil, err
	}
	return x.started(c, t, req)
}

// withoutStart returns the result of a Begin that may not start a turn: KeyReused, Replay or Busy. It
// returns nil if the Begin may start a turn.
func (x *change) withoutStart(c *conversation, req *storage.BeginRequest, now time.Time) (*storage.BeginResult, error) {
	u, known, err := x.useOf(c, req.Key, now)
	if err != nil {
		return nil, err
	}
	if known {
		if string(u.digest) != string(req.Digest) {
			return &storage.BeginResult{KeyReused: true}, nil
		}
		t, err := x.turn(c.cid, u.sequence)
		if err != nil {
			return nil, err
		}
		if t.State == storage.Succeeded {
			return &storage.BeginResult{Replay: &t.Turn}, nil
		}
	}
	lives, err := x.held(c, now)
	if err != nil || !lives {
		return nil, err
	}
	return &storage.BeginResult{Busy: &storage.Busy{SameKey: known && u.sequence == c.running}}, nil
}

// interrupt ends the running turn, whose lease has ended. Its fence is invalid afterwards.
func (x *change) interrupt(c *conversation, now time.Time) error {
	t, err := x.turn(c.cid, c.running)
	if err != nil {
		return err
	}
	t.State, t.EndedAt, t.token = storage.Interrupted, now, ""
	t.Reason = fault.Deadline.String() + ": the lease of the turn's holder ran out"
	if err := x.putTurn(c.cid, t); err != nil {
		return err
	}
	return x.end(c)
}

// start starts a turn. The caller has checked that no turn runs in the conversation.
func (x *change) start(c *conversation, req *storage.BeginRequest, now time.Time) (*storage.BeginResult, error) {
	t := &x.ownTurn
	*t = turn{token: rand.Text(), Turn: storage.Turn{
		Sequence: c.sequence + 1, State: storage.Running, User: req.Call.User, Messages: req.Messages,
		StartedAt: now, Metadata: req.Metadata, Key: req.Key, RetractFrom: req.RetractFrom,
	}}
	if err := x.mayGrow(t.Size()); err != nil {
		return nil, err
	}
	if req.RetractFrom > 0 {
		if err := x.retract(c, req.RetractFrom, t.Sequence, sdk.MaxRetractTurns); err != nil {
			return nil, err
		}
	}
	if err := x.append(c, t); err != nil {
		return nil, err
	}
	if err := x.noteUse(c, req.Key, use{sequence: t.Sequence, digest: req.Digest, at: now}); err != nil {
		return nil, err
	}
	c.running, c.attempt, c.holder, c.until, c.updated = t.Sequence, req.Attempt, req.Holder, leaseEnd(now, req.Lease), now
	if err := x.save(c); err != nil {
		return nil, err
	}
	return x.started(c, t, req)
}

// started returns the result of a Begin whose turn t holds the conversation.
func (x *change) started(c *conversation, t *turn, req *storage.BeginRequest) (*storage.BeginResult, error) {
	st := &storage.Started{Sequence: t.Sequence, Fence: fence{c.cid, t.Sequence, t.token}.String(), Incarnation: c.cid}
	var err error
	if st.Tail, st.TailCut, err = x.tail(c, req.Tail, req.TailBytesOrDefault()); err != nil {
		return nil, err
	}
	if req.CursorKey != "" {
		at, err := x.cursor(req.CursorKey, c.cid)
		if err != nil {
			return nil, err
		}
		if at != nil {
			st.Cursor = at.sequence
		}
		if st.Retractions, err = x.retractions(c.cid, st.Cursor); err != nil {
			return nil, err
		}
	}
	return &storage.BeginResult{Started: st}, nil
}

// fence identifies one turn of an incarnation of a conversation, and its holder by a secret token.
type fence struct {
	cid      string
	sequence int64
	token    string
}

func (f fence) String() string {
	b := append(make([]byte, 0, 80), f.cid...) // room for all of it
	b = strconv.AppendInt(append(b, '.'), f.sequence, 10)
	return string(append(append(b, '.'), f.token...))
}

// parseFence parses a fence. For an invalid text it returns a fence that no turn has.
func parseFence(text string) fence {
	cid, rest, _ := strings.Cut(text, ".")
	number, token, _ := strings.Cut(rest, ".")
	sequence, err := strconv.ParseInt(number, 10, 64)
	if err != nil || sequence < 1 {
		return fence{}
	}
	return fence{cid, sequence, token}
}
