package follow

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// clockedStorage is a storage in memory whose clock the test moves.
type clockedStorage struct {
	*storagekit.Store
	t     *testing.T
	mu    sync.Mutex
	now   time.Time
	turns int
}

func newClockedStorage(t *testing.T) *clockedStorage {
	s := &clockedStorage{t: t, now: time.Unix(1e9, 0)}
	s.Store = storagekit.New(memdb.New(memdb.Options{Now: func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now
	}}), storagekit.Options{})
	return s
}

// pass moves the clock.
func (s *clockedStorage) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// say makes a turn. It does not end it if the state is Running. A retract above 0 retracts the turns from
// that number on.
func (s *clockedStorage) say(tenant, id, text string, state storage.State, retract int64) {
	s.t.Helper()
	s.turns++
	call := sdk.Call{Tenant: tenant, Conversation: id}
	begun, err := s.Begin(s.t.Context(), &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, text)), RetractFrom: retract,
		Holder: fmt.Sprint("turn ", s.turns), Lease: time.Minute,
	})
	if err != nil || begun.Started == nil {
		s.t.Fatal(begun, err)
	}
	if state == storage.Running {
		return
	}
	if _, err := s.Commit(s.t.Context(), &storage.CommitRequest{
		Call: call, Fence: begun.Started.Fence, State: state, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "re: "+text)),
	}); err != nil {
		s.t.Fatal(err)
	}
}

// remove deletes a conversation.
func (s *clockedStorage) remove(tenant, id string) {
	s.t.Helper()
	if _, err := s.Delete(s.t.Context(), storage.Scope{Call: sdk.Call{Tenant: tenant, Conversation: id}}); err != nil {
		s.t.Fatal(err)
	}
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

// all returns what is kept of all conversations, sorted by their texts.
func (m *fakeMemory) all() [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]string
	for _, kept := range m.kept {
		out = append(out, slices.Clone(kept))
	}
	slices.SortFunc(out, slices.Compare)
	return out
}
