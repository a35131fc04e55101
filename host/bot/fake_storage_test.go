package bot

import (
	"context"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// logStorage keeps one conversation. It records the calls, and fails them on demand.
type logStorage struct {
	storage.Storage // nil: methods that are not defined here panic

	mu      sync.Mutex
	begins  []*storage.BeginRequest
	commits []*storage.CommitRequest
	// The errors of the next calls, by "begin" or "commit". After one of faults a call has had
	// no effect; after one of lost it has.
	faults, lost map[string][]error
	running      string // attempt of the turn that runs
	busy         int    // how many Begins return Busy first
	sameKey      bool   // what Busy says
	log          []chat.Message
	number       int64         // number of the last succeeded turn
	replay       *storage.Turn // if set, Begin returns it
	reused       bool          // Begin returns KeyReused
}

// fault returns the next error of the queue of that name; nil if there is none.
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
	tail := s.log
	if len(tail) > r.Tail {
		tail = tail[len(tail)-r.Tail:]
	}
	return &storage.BeginResult{Started: &storage.Started{Sequence: 1, Fence: "f:" + r.Attempt, Tail: tail}}, nil
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
			s.log = append(append(s.log, s.begins[len(s.begins)-1].Message), r.Messages...)
		}
	}
	if err := s.fault(s.lost, "commit"); err != nil {
		return 0, err
	}
	return s.number, nil
}

// last returns the last Commit.
func (s *logStorage) last(t *testing.T) *storage.CommitRequest {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.commits) == 0 {
		t.Fatal("nothing was committed")
	}
	return s.commits[len(s.commits)-1]
}

// lastingStorage is a storage that can be used in the background until it is closed.
type lastingStorage struct {
	*logStorage
	used    storage.Storage // by the background
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	full    bool // RunInBackground runs nothing
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

// lasts returns s with a background. Its log is log, which s has, too.
func lasts(s storage.Storage, log *logStorage) (storage.Storage, *lastingStorage) {
	l := newLasting(log)
	l.used = s
	return struct {
		storage.Storage
		lasting
	}{s, l}, l
}

// counts returns how many calls there were.
func (l *lastingStorage) counts() (begins, commits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.begins), len(l.commits)
}

// away returns the errors of n calls that are not answered.
func away(n int) []error {
	var out []error
	for range n {
		out = append(out, fault.New(fault.PluginUnavailable, "went away"))
	}
	return out
}

const often = 1000 // more than any test tries a call
