package bot

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// logStorage is a storage with one conversation. It records the calls of Begin and Commit, and
// returns errors from faults and lost.
type logStorage struct {
	storage.Storage // nil, so that methods that logStorage does not define panic

	mu      sync.Mutex
	begins  []*storage.BeginRequest
	commits []*storage.CommitRequest
	// faults and lost have the errors of the next calls, by "begin" or "commit". A call with an
	// error of faults has no effect. A call with an error of lost has its effect.
	faults, lost map[string][]error
	running      string // attempt of the running turn
	busy         int    // number of Begins that still return Busy
	sameKey      bool   // SameKey of the returned Busy
	log          []chat.Message
	number       int64         // number of the last succeeded turn
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

func (s *logStorage) Begin(_ context.Context, r *storage.BeginRequest) (*storage.BeginResult, error) {
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
	case s.running != "" && s.running != r.Attempt:
		return &storage.BeginResult{Busy: &storage.Busy{}}, nil
	}
	s.running = r.Attempt
	if err := s.fault(s.lost, "begin"); err != nil {
		return nil, err
	}
	return &storage.BeginResult{Started: &storage.Started{Sequence: 1, Fence: "f:" + r.Attempt, Tail: s.tail(r.Tail)}}, nil
}

// tail returns the newest turns of the log, which have so many messages or more. A message of a user
// begins a turn.
func (s *logStorage) tail(messages int) []storage.Turn {
	var tail []storage.Turn
	end := len(s.log)
	for first := end - 1; first >= 0 && len(s.log)-end < messages; first-- {
		if s.log[first].Role == chat.User || first == 0 {
			tail = append(tail, storage.Turn{State: storage.Succeeded, Messages: storage.EncodeMessages(s.log[first:end]...)})
			end = first
		}
	}
	slices.Reverse(tail)
	return tail
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
	if r.Fence == "f:"+s.running {
		s.running = ""
		if r.State == storage.Succeeded {
			s.number++
			s.log = append(append(s.log, decoded(s.begins[len(s.begins)-1].Messages...)...), decoded(r.Messages...)...)
		}
	}
	if err := s.fault(s.lost, "commit"); err != nil {
		return 0, err
	}
	return s.number, nil
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
