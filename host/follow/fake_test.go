package follow

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// fakeStorage is a storage of conversations and cursors in memory. Its clock is a field.
type fakeStorage struct {
	storage.Storage
	mu       sync.Mutex
	now      time.Time
	next     int
	talks    map[talkKey]*fakeTalk
	cursors  map[cursorKey]*fakeCursor
	failRead error
}

type talkKey struct{ tenant, id string }

type fakeTalk struct {
	incarnation string
	turns       []storage.Turn
	number      int64
}

type cursorKey struct{ tenant, store, id, incarnation, user string }

type fakeCursor struct {
	storage.Claimed
	holder string
	until  time.Time
}

func newFakeStorage() *fakeStorage {
	return &fakeStorage{now: time.Unix(1e9, 0), talks: map[talkKey]*fakeTalk{}, cursors: map[cursorKey]*fakeCursor{}}
}

// say adds an ended turn. It returns the number of the turn, or 0 if the state is not Succeeded.
func (s *fakeStorage) say(tenant, id, text string, state storage.State, retract int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := talkKey{tenant, id}
	c := s.talks[k]
	if c == nil {
		s.next++
		c = &fakeTalk{incarnation: "i" + string(rune('a'+s.next))}
		s.talks[k] = c
	}
	t := storage.Turn{Sequence: int64(len(c.turns)) + 1, State: state, RetractFrom: retract,
		Messages: storage.EncodeMessages(chat.Text(chat.User, text), chat.Text(chat.Assistant, "re: "+text))}
	for i := range c.turns {
		if retract > 0 && c.turns[i].Number >= retract {
			c.turns[i].Retracted = true
		}
	}
	if state == storage.Succeeded {
		c.number++
		t.Number = c.number
	}
	c.turns = append(c.turns, t)
	return t.Number
}

// remove deletes a conversation as Delete does.
func (s *fakeStorage) remove(tenant, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.talks, talkKey{tenant, id})
	for k, c := range s.cursors {
		if k.tenant == tenant && k.id == id {
			c.Forget = true
		}
	}
}

// pass moves the clock.
func (s *fakeStorage) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *fakeStorage) Read(_ context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failRead != nil {
		return nil, s.failRead
	}
	c := s.talks[talkKey{req.Call.Tenant, req.Call.Conversation}]
	if c == nil {
		return nil, fault.New(fault.NotFound, "no such conversation")
	}
	left := c.turns[min(req.After, int64(len(c.turns))):]
	n := min(req.Limit, len(left))
	return &storage.TurnPage{Turns: slices.Clone(left[:n]), More: n < len(left)}, nil
}

func (s *fakeStorage) Claim(_ context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tenant := req.Call.Tenant
	if req.Kind == storage.ClaimWork {
		k := cursorKey{tenant: tenant, store: req.StoreKey}
		if s.cursors[k] == nil {
			s.cursors[k] = &fakeCursor{}
		}
	}
	for k, c := range s.talks {
		ck := cursorKey{tenant, req.StoreKey, k.id, c.incarnation, ""}
		if k.tenant == tenant && req.Kind == storage.ClaimAll && s.cursors[ck] == nil {
			s.cursors[ck] = &fakeCursor{Claimed: storage.Claimed{Conversation: k.id, Incarnation: c.incarnation}}
		}
	}
	var can []*fakeCursor
	res := &storage.ClaimResult{}
	for k, c := range s.cursors {
		talk := s.talks[talkKey{tenant, k.id}]
		behind := talk != nil && talk.incarnation == k.incarnation && int64(len(talk.turns)) > c.Sequence
		wanted := req.Kind == storage.ClaimWork && k.id == "" || k.id != "" && (c.Forget || req.Kind == storage.ClaimAll && behind)
		switch {
		case k.tenant != tenant || k.store != req.StoreKey || !wanted || req.Call.Conversation != "" && req.Call.Conversation != k.id:
		case c.holder != req.Holder && c.until.After(s.now):
			res.Held = true
		default:
			can = append(can, c)
		}
	}
	slices.SortFunc(can, func(a, b *fakeCursor) int { return cmp.Compare(a.Conversation, b.Conversation) })
	res.More = len(can) > req.Limit
	for _, c := range can[:min(len(can), req.Limit)] {
		c.holder, c.until = req.Holder, s.now.Add(req.Lease)
		res.Claimed = append(res.Claimed, c.Claimed)
	}
	return res, nil
}

func (s *fakeStorage) Advance(_ context.Context, req *storage.AdvanceRequest) error {
	if err := req.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := cursorKey{req.Call.Tenant, req.StoreKey, req.Call.Conversation, req.Incarnation, req.User}
	c := s.cursors[k]
	switch {
	case c == nil && req.Forgotten:
		return nil
	case c == nil || c.holder != req.Holder:
		return fault.New(fault.Conflict, "another has the claim")
	case req.Forgotten:
		delete(s.cursors, k)
		return nil
	case c.Forget:
		return fault.New(fault.NotFound, "deleted")
	}
	c.Sequence, c.Data, c.until = max(c.Sequence, req.Sequence), req.Data, s.now.Add(req.Lease)
	return nil
}

// fakeMemory keeps the texts of what it was told, by conversation incarnation.
type fakeMemory struct {
	mu    sync.Mutex
	kept  map[string][]string // by conversation incarnation, in the order of arrival
	calls int
	works []string
	most  int // how many events one call keeps; 0 for all
	// before is called before each Remember and Forget, and may fail it.
	before func(call sdk.Call) error
	rounds int // how often Work says that there is more
	adds   int // how many bytes Work adds to the cursor; 0 means one
}

func (m *fakeMemory) Needs() memory.Needs { return memory.Needs{Recall: true, Remember: true} }

func (m *fakeMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return &memory.Recalled{}, nil
}

func (m *fakeMemory) Remember(_ context.Context, req *memory.RememberRequest) (int64, error) {
	if m.before != nil {
		if err := m.before(req.Call); err != nil {
			return 0, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	events := req.Events
	if m.most > 0 {
		events = events[:min(m.most, len(events))]
	}
	key, last := req.Call.ConversationIncarnation, req.After
	for _, e := range events {
		last = e.Sequence()
		if e.Turn != nil {
			m.kept[key] = append(m.kept[key], e.Turn.Messages[0].Text())
			continue
		}
		m.kept[key] = append(m.kept[key], retracted(*e.Retraction))
	}
	return last, nil
}

func (m *fakeMemory) Forget(_ context.Context, call sdk.Call) error {
	if m.before != nil {
		if err := m.before(call); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, call.ConversationIncarnation)
	return nil
}

func (m *fakeMemory) Work(_ context.Context, _ sdk.Call, cursor []byte) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.works = append(m.works, string(cursor))
	return append(slices.Clone(cursor), bytes.Repeat([]byte("w"), max(m.adds, 1))...), len(m.works) < m.rounds, nil
}

// all returns what is kept of all conversations, sorted by incarnation.
func (m *fakeMemory) all() [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := []string{}
	for k := range m.kept {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var out [][]string
	for _, k := range keys {
		out = append(out, slices.Clone(m.kept[k]))
	}
	return out
}
