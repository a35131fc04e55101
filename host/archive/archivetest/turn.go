package archivetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Begin implements storage.Storage.
func (s *Storage) Begin(_ context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	end, err := s.beginNamed("Begin", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := req.Validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	c, err := s.findLocked(req.Call, now)
	switch {
	case err != nil:
		return nil, err
	case c.hiddenFrom(req.Call, req.Owned):
		return nil, notFound()
	}
	running := c.running()
	if running != nil && req.Attempt != "" && running.attempt == req.Attempt {
		return c.started(running, req), nil
	}
	if key := c.lastAttempt(req.Key, now); key != nil {
		if !bytes.Equal(key.digest, req.Digest) {
			return &storage.BeginResult{KeyReused: true}, nil
		}
		if key.State == storage.Succeeded {
			replay := key.Turn
			return &storage.BeginResult{Replay: &replay}, nil
		}
	}
	if running != nil {
		if s.leases[running.holder].After(now) {
			return &storage.BeginResult{Busy: &storage.Busy{SameKey: req.Key != "" && req.Key == running.Key}}, nil
		}
		running.State, running.EndedAt, running.closed = storage.Interrupted, now, true
		running.Reason = fault.Deadline.String() + ": its host went away"
	}
	t := &turn{holder: req.Holder, attempt: req.Attempt, digest: req.Digest, Turn: storage.Turn{
		Sequence: int64(len(c.turns)) + 1, State: storage.Running, User: req.Call.User,
		Messages: slices.Clone(req.Messages), StartedAt: now, Metadata: req.Metadata, Key: req.Key,
	}}
	s.conversations[c.address] = c
	c.turns, c.updated = append(c.turns, t), now
	if req.Key != "" {
		c.keys[req.Key] = t
	}
	s.extendLocked(req.Holder, now.Add(req.Lease))
	return c.started(t, req), nil
}

// lastAttempt returns the newest turn with this idempotency key, or nil if no turn with the key
// was started within storage.KeyTTL.
func (c *conversation) lastAttempt(key string, now time.Time) *turn {
	if t := c.keys[key]; t != nil && now.Sub(t.StartedAt) < storage.KeyTTL {
		return t
	}
	return nil
}

// fence returns the fence of a turn. A conversation that is deleted and begun again has other
// fences than before.
func (c *conversation) fence(t *turn) string { return fmt.Sprintf("%d.%d", c.incarnation, t.Sequence) }

// turnByFence returns the turn with this fence. It returns nil if no turn of the conversation
// has the fence, or if the turn is closed.
func (c *conversation) turnByFence(fence string) *turn {
	var incarnation, sequence int
	if _, err := fmt.Sscanf(fence, "%d.%d", &incarnation, &sequence); err != nil || sequence < 1 || sequence > len(c.turns) {
		return nil
	}
	if t := c.turns[sequence-1]; !t.closed && c.fence(t) == fence {
		return t
	}
	return nil
}

// started returns the result of a Begin that started the turn, with the tail that req asks for.
func (c *conversation) started(t *turn, req *storage.BeginRequest) *storage.BeginResult {
	var tail []storage.Turn
	cut, bytes, messages := false, 0, 0
	for i := len(c.turns) - 1; i >= 0 && messages < req.Tail && !cut; i-- {
		if c.turns[i].State != storage.Succeeded {
			continue
		}
		bytes += c.turns[i].TailSize()
		if cut = bytes > req.TailBytesOrDefault(); !cut {
			tail = append(tail, c.turns[i].Turn)
			messages += len(c.turns[i].Messages)
		}
	}
	slices.Reverse(tail)
	return &storage.BeginResult{Started: &storage.Started{Sequence: t.Sequence, Fence: c.fence(t), Tail: tail, TailCut: cut,
		Incarnation: strconv.Itoa(c.incarnation)}}
}

// Commit implements storage.Storage.
func (s *Storage) Commit(_ context.Context, req *storage.CommitRequest) (int64, error) {
	end, err := s.beginNamed("Commit", req.Call)
	if err != nil {
		return 0, err
	}
	defer end()
	if !hasEnded(req.State) || req.State == storage.Succeeded && len(req.Messages) == 0 {
		return 0, fault.New(fault.Invalid, "no end of a turn").At("state")
	}
	c := s.conversations[addressOf(req.Call)]
	if c == nil {
		return 0, fault.New(fault.Conflict, "the fence holds no conversation")
	}
	t := c.turnByFence(req.Fence)
	switch {
	case t == nil:
		return 0, fault.New(fault.Conflict, "the fence does not hold the conversation")
	case t.State != storage.Running && t.State != req.State:
		return 0, fault.New(fault.Conflict, "the turn has ended otherwise")
	case t.State != storage.Running:
		return t.Number, nil
	}
	if req.State == storage.Succeeded {
		c.number++
		t.Number = c.number
	}
	t.State, t.Reason, t.Usage, t.Record, t.EndedAt = req.State, req.Reason, req.Usage, req.Record, time.Now()
	t.Messages = append(slices.Clone(t.Messages), req.Messages...)
	c.updated = t.EndedAt
	return t.Number, nil
}

func hasEnded(s storage.State) bool {
	return s == storage.Succeeded || s == storage.Failed || s == storage.Interrupted
}
