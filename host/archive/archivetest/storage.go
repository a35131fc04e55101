package archivetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Storage keeps conversations in memory. The zero value is empty and ready. It is safe for concurrent
// use.
type Storage struct {
	// Before, if it is set, is called before each method of storage.Storage and
	// storage.Importer, with the method's name. If Before returns an error, the method does
	// nothing and returns this error. A test sets Before before it calls the first method.
	Before func(method string, call sdk.Call) error

	mu            sync.Mutex
	incarnations  int
	conversations map[address]*conversation
	leases        map[string]time.Time
	erased        map[owner]bool
	removed       []*conversation // deleted conversations that still have turns
}

var (
	_ storage.Storage  = (*Storage)(nil)
	_ storage.Importer = (*Storage)(nil)
	_ storage.Renewer  = (*Storage)(nil)
)

type owner struct{ tenant, incarnation string }

type address struct {
	owner
	id string
}

type conversation struct {
	address
	user             string
	incarnation      int
	turns            []*turn // by sequence, from 1
	number           int64   // the number of the last turn that succeeded
	keys             map[string]*turn
	created, updated time.Time
}

type turn struct {
	storage.Turn
	holder, attempt string
	digest          []byte
	closed          bool // Commit refuses to end a closed turn
}

func addressOf(call sdk.Call) address {
	return address{owner{call.Tenant, call.Incarnation}, call.Conversation}
}

// begin calls Before, checks that the call names a tenant, and locks mu. The caller of begin
// calls end, which unlocks mu.
func (s *Storage) begin(method string, call sdk.Call) (end func(), err error) {
	if s.Before != nil {
		if err := s.Before(method, call); err != nil {
			return nil, err
		}
	}
	if call.Tenant == "" {
		return nil, fault.New(fault.Invalid, "the call names too little")
	}
	s.mu.Lock()
	if s.conversations == nil {
		s.conversations, s.leases, s.erased = map[address]*conversation{}, map[string]time.Time{}, map[owner]bool{}
	}
	return s.mu.Unlock, nil
}

// beginNamed calls begin, and then checks that the call names a conversation too.
func (s *Storage) beginNamed(method string, call sdk.Call) (end func(), err error) {
	end, err = s.begin(method, call)
	if err == nil && call.Conversation == "" {
		end()
		return nil, fault.New(fault.Invalid, "the call names too little")
	}
	return end, err
}

// running returns the running turn of the conversation, or nil if no turn runs in it.
func (c *conversation) running() *turn {
	if n := len(c.turns); n > 0 && c.turns[n-1].State == storage.Running {
		return c.turns[n-1]
	}
	return nil
}

// findLocked returns the conversation that the call names. If the conversation does not exist,
// findLocked returns a new one, which is not stored yet.
//
// Locked: mu is held.
func (s *Storage) findLocked(call sdk.Call, created time.Time) (*conversation, error) {
	if c := s.conversations[addressOf(call)]; c != nil {
		return c, nil
	}
	if s.erased[addressOf(call).owner] {
		return nil, fault.New(fault.Conflict, "this incarnation of the tenant is over")
	}
	s.incarnations++
	return &conversation{address: addressOf(call), user: call.User, incarnation: s.incarnations, keys: map[string]*turn{}, created: created}, nil
}

// Begin implements storage.Storage.
func (s *Storage) Begin(_ context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	end, err := s.beginNamed("Begin", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if req.Tail < 0 || req.TailBytes < 0 || req.Lease <= 0 || req.Holder == "" || req.Owned && req.Call.User == "" {
		return nil, fault.New(fault.Invalid, "out of bounds")
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
		Messages: []chat.Message{req.Message}, StartedAt: now, Metadata: req.Metadata, Key: req.Key,
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
	var messages []chat.Message
	cut, bytes := false, 0
	for i := len(c.turns) - 1; i >= 0 && len(messages) < req.Tail && !cut; i-- {
		if c.turns[i].State != storage.Succeeded {
			continue
		}
		bytes += chat.Size(c.turns[i].Messages)
		if cut = bytes > req.TailBytesOrDefault(); !cut {
			messages = append(slices.Clone(c.turns[i].Messages), messages...)
		}
	}
	messages = messages[max(0, len(messages)-req.Tail):]
	return &storage.BeginResult{Started: &storage.Started{Sequence: t.Sequence, Fence: c.fence(t), Tail: messages, TailCut: cut}}
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

// Read implements storage.Storage.
func (s *Storage) Read(_ context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	end, err := s.beginNamed("Read", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if req.Limit < 1 || req.Limit > storage.MaxPage || req.After < 0 || req.Owned && req.Call.User == "" {
		return nil, fault.New(fault.Invalid, "out of bounds").At("limit")
	}
	c := s.conversations[addressOf(req.Call)]
	if c == nil || c.hiddenFrom(req.Call, req.Owned) {
		return nil, notFound()
	}
	page := &storage.TurnPage{}
	var bytes storage.PageBytes
	full := false
	for _, t := range c.turns[min(int(req.After), len(c.turns)):] {
		if !req.All && t.State != storage.Succeeded {
			continue
		}
		if page.More = full || len(page.Turns) == req.Limit; page.More {
			break
		}
		page.Turns = append(page.Turns, t.Turn)
		full = bytes.Full(t.Size())
	}
	return page, nil
}

// List implements storage.Storage.
func (s *Storage) List(_ context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	end, err := s.begin("List", req.Call)
	if err != nil {
		return nil, err
	}
	defer end()
	if req.Limit < 1 || req.Limit > storage.MaxPage || req.Wrote && req.Call.User == "" {
		return nil, fault.New(fault.Invalid, "out of bounds").At("limit")
	}
	var all []storage.Conversation
	for a, c := range s.conversations {
		its := req.Call.User == "" || c.user == req.Call.User || req.Wrote && c.wrote(req.Call.User)
		if a.owner == addressOf(req.Call).owner && a.id > req.After && its {
			all = append(all, storage.Conversation{ID: a.id, User: c.user, Turns: c.number, CreatedAt: c.created, UpdatedAt: c.updated,
				Shared: req.Wrote && c.shared()})
		}
	}
	slices.SortFunc(all, func(a, b storage.Conversation) int { return strings.Compare(a.ID, b.ID) })
	return &storage.ConversationPage{Conversations: all[:min(len(all), req.Limit)], More: len(all) > req.Limit}, nil
}

// extendLocked extends the holder's lease to the time until. A lease that ends later than until
// stays as it is.
//
// Locked: mu is held.
func (s *Storage) extendLocked(holder string, until time.Time) {
	if until.After(s.leases[holder]) {
		s.leases[holder] = until
	}
}

// Renew implements storage.Renewer.
func (s *Storage) Renew(_ context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewal(holders, lease); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, holder := range holders {
		if _, known := s.leases[holder]; known {
			s.extendLocked(holder, time.Now().Add(lease))
		}
	}
	return nil
}
