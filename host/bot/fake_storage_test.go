package bot

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// logStorage is a storage in memory. It records the calls of Begin and Commit, and returns errors from
// faults and lost. The zero value is empty and ready.
type logStorage struct {
	// history is what conversations say before their first turn. A message of a user begins a turn.
	history []chat.Message

	mu      sync.Mutex
	kit     *storagekit.Store // nil before the first call
	begins  []*storage.BeginRequest
	commits []*storage.CommitRequest
	fence   string // of the turn that was started last
	// faults and lost have the errors of the next calls, by "begin" or "commit". A call with an
	// error of faults has no effect. A call with an error of lost has its effect.
	faults, lost map[string][]error
	busy         int           // number of Begins that still return Busy
	sameKey      bool          // SameKey of the returned Busy
	replay       *storage.Turn // if not nil, Begin returns it as Replay
	reused       bool          // if true, Begin returns KeyReused
}

// fault removes and returns the next error of the named queue. It returns nil if the queue is
// empty.
func (s *logStorage) fault(queues map[string][]error, name string) error {
	q := queues[name]
	if len(q) == 0 {
		return nil
	}
	queues[name] = q[1:]
	return q[0]
}

// storeLocked returns the store that keeps the conversations. Locked: mu is held.
func (s *logStorage) storeLocked() *storagekit.Store {
	if s.kit == nil {
		s.kit = storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	}
	return s.kit
}

func (s *logStorage) store() *storagekit.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storeLocked()
}

func (s *logStorage) Begin(ctx context.Context, r *storage.BeginRequest) (*storage.BeginResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begins = append(s.begins, r)
	if err := r.ValidateText(); err != nil {
		return nil, err
	}
	if err := s.fault(s.faults, "begin"); err != nil {
		return nil, err
	}
	switch {
	case s.replay != nil:
		return &storage.BeginResult{Replay: s.replay}, nil
	case s.reused:
		return &storage.BeginResult{KeyReused: true}, nil
	case s.busy > 0:
		s.busy--
		return &storage.BeginResult{Busy: &storage.Busy{SameKey: s.sameKey}}, nil
	}
	if len(s.history) > 0 {
		if err := importTurns(ctx, s.storeLocked(), r.Call, turnsOf(s.history)...); err != nil {
			return nil, err
		}
		s.history = nil
	}
	out, err := s.storeLocked().Begin(ctx, r)
	if err != nil {
		return nil, err
	}
	if out.Started != nil {
		s.fence = out.Started.Fence
	}
	if err := s.fault(s.lost, "begin"); err != nil {
		return nil, err
	}
	return out, nil
}

// turnsOf returns succeeded turns with the messages. A message of a user begins a turn.
func turnsOf(messages []chat.Message) (turns []storage.Turn) {
	for i, m := range messages {
		if m.Role == chat.User || i == 0 {
			n := int64(len(turns)) + 1
			turns = append(turns, storage.Turn{Sequence: n, Number: n, State: storage.Succeeded})
		}
		t := &turns[len(turns)-1]
		t.Messages = append(t.Messages, storage.EncodeMessages(m)...)
	}
	return turns
}

// importTurns makes the call's conversation with the turns, at the present time.
func importTurns(ctx context.Context, s *storagekit.Store, call sdk.Call, turns ...storage.Turn) error {
	now := time.Now()
	for i := range turns {
		turns[i].StartedAt, turns[i].EndedAt = now, now
	}
	_, err := s.Import(ctx, &storage.ImportRequest{Call: call, Turns: turns})
	return err
}

func (s *logStorage) Commit(ctx context.Context, r *storage.CommitRequest) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	s.commits = append(s.commits, r)
	if err := s.fault(s.faults, "commit"); err != nil {
		return 0, err
	}
	if err := r.ValidateText(); err != nil {
		return 0, err
	}
	number, err := s.storeLocked().Commit(ctx, r)
	if err != nil {
		return 0, err
	}
	if err := s.fault(s.lost, "commit"); err != nil {
		return 0, err
	}
	return number, nil
}

func (s *logStorage) Read(ctx context.Context, r *storage.ReadRequest) (*storage.TurnPage, error) {
	return s.store().Read(ctx, r)
}

func (s *logStorage) List(ctx context.Context, r *storage.ListRequest) (*storage.ConversationPage, error) {
	return s.store().List(ctx, r)
}

func (s *logStorage) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	return s.store().Delete(ctx, scope)
}

// testCall is the call of the conversation "c" of the bots of newTestBot.
var testCall = sdk.Call{Tenant: "acme", Conversation: "c"}

// turns returns all turns of the conversation "c".
func (s *logStorage) turns(t *testing.T) []storage.Turn {
	t.Helper()
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: testCall, Limit: storage.MaxPage, All: true})
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	if page == nil {
		return nil
	}
	return page.Turns
}

// isRunning reports whether a turn runs in the conversation "c".
func (s *logStorage) isRunning(t *testing.T) bool {
	t.Helper()
	return slices.ContainsFunc(s.turns(t), func(turn storage.Turn) bool { return turn.State == storage.Running })
}

// succeeded returns how many turns of the conversation "c" have succeeded.
func (s *logStorage) succeeded(t *testing.T) (n int) {
	t.Helper()
	for _, turn := range s.turns(t) {
		if turn.State == storage.Succeeded {
			n++
		}
	}
	return n
}

// occupyLocked begins a turn of another host in the conversation "c". Locked: mu is held.
func (s *logStorage) occupyLocked() {
	_, err := s.storeLocked().Begin(context.Background(), &storage.BeginRequest{
		Call: testCall, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")), Holder: "another", Attempt: "another", Lease: 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
}

// decoded returns the messages that a host has encoded.
func decoded(messages ...storage.Message) []chat.Message {
	out, err := storage.DecodeMessages(messages)
	if err != nil {
		panic(err)
	}
	return out
}

// usageOf returns the usage that a host has encoded.
func usageOf(raw json.RawMessage) chat.Usage {
	u, err := storage.DecodeUsage(raw)
	if err != nil {
		panic(err)
	}
	return u
}

// last returns the request of the last Commit.
func (s *logStorage) last(t *testing.T) *storage.CommitRequest {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.commits) == 0 {
		t.Fatal("nothing was committed")
	}
	return s.commits[len(s.commits)-1]
}

// lastingStorage is a storage that implements lasting until it is closed.
type lastingStorage struct {
	*logStorage
	used    storage.Storage // storage that background functions get
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	full    bool // RunInBackground returns false
}

func newLasting(s *logStorage) *lastingStorage {
	l := &lastingStorage{logStorage: s, used: s}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

func (l *lastingStorage) RunInBackground(f func(context.Context, storage.Storage)) bool {
	if l.full {
		return false
	}
	l.running.Go(func() { f(l.ctx, l.used) })
	return true
}

func (l *lastingStorage) close() {
	l.end()
	l.running.Wait()
}

// lasts returns s with a RunInBackground. log is the logStorage inside s.
func lasts(s storage.Storage, log *logStorage) (storage.Storage, *lastingStorage) {
	l := newLasting(log)
	l.used = s
	return struct {
		storage.Storage
		lasting
	}{s, l}, l
}

// counts returns the number of calls of Begin and of Commit.
func (l *lastingStorage) counts() (begins, commits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.begins), len(l.commits)
}

// away returns n errors of a plugin that is unavailable.
func away(n int) []error {
	var out []error
	for range n {
		out = append(out, fault.New(fault.PluginUnavailable, "went away"))
	}
	return out
}

const often = 1000 // more calls than a test makes
