package bot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logStorage is one conversation's log with faults to order: each call first
// takes an error from the queue of its name.
type logStorage struct {
	storage.Storage // what is not used here panics

	mu      sync.Mutex
	begins  []*storage.BeginRequest
	commits []*storage.CommitRequest
	faults  map[string][]error
	// lost errors happen after the call had its effect.
	lost    map[string][]error
	running string // attempt
	busy    int    // answer Busy so many times first
	sameKey bool
	log     []chat.Message
	number  int64
	replay  *storage.Turn
	reused  bool
}

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

func (s *logStorage) last(t *testing.T) *storage.CommitRequest {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.commits) == 0 {
		t.Fatal("nothing was committed")
	}
	return s.commits[len(s.commits)-1]
}

// scriptLLM says its words and then ends as ordered.
type scriptLLM struct {
	mu    sync.Mutex
	seen  [][]chat.Message
	words []string
	err   error
	block chan struct{} // waits here after the words, or for ctx
}

func (m *scriptLLM) Chat(ctx context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.mu.Lock()
	m.seen = append(m.seen, r.Messages)
	m.mu.Unlock()
	for i, w := range m.words {
		usage := chat.Usage{OutputTokens: int64(i + 1)}
		if err := emit(llm.Delta{Text: w, Usage: usage}); err != nil {
			return &llm.Finish{Usage: usage}, err
		}
	}
	spent := &llm.Finish{Usage: chat.Usage{InputTokens: 3, OutputTokens: int64(len(m.words))}, Model: "script", Reason: llm.FinishStop}
	if m.block != nil {
		select {
		case <-m.block:
		case <-ctx.Done():
			return spent, ctx.Err()
		}
	}
	return spent, m.err
}

type tailMemory int

func (n tailMemory) Needs() memory.Needs { return memory.Needs{Tail: int(n)} }
func (tailMemory) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return nil, errors.New("a tail needs no recall")
}

func newTestBot(s storage.Storage, m llm.LLM, change ...func(*Parts)) *Bot {
	p := Parts{
		Tenant: "acme", Revision: "r1", System: "be kind", LLM: m, Memory: tailMemory(4), Storage: s,
		Admission: &Admission{}, Host: "here", Holder: "run-1", Log: hclog.NewNullLogger(),
		Limits: config.Limits{ConcurrentTurns: 64, MessageBytes: 100, TurnTimeout: 10 * time.Second,
			FirstTokenTimeout: 10 * time.Second, TokenTimeout: 10 * time.Second, WaitingTurns: 64,
			ConversationWait: 5 * time.Second, ConversationWaiters: 16},
	}
	for _, c := range change {
		c(&p)
	}
	return New(p)
}

func wantClass(t *testing.T, err error, class fault.Class) *fault.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s", class)
	}
	e := fault.Of(err)
	if e.Class != class {
		t.Fatalf("error %v is %s; want %s", err, e.Class, class)
	}
	return e
}

func texts(ms []chat.Message) string {
	var out string
	for _, m := range ms {
		out += fmt.Sprintf("%s:%s|", m.Role, m.Text())
	}
	return out
}
