package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestBegin_repeatsAnUncertainCall(t *testing.T) {
	unanswered := fault.New(fault.PluginUnavailable, "went away")
	s := &logStorage{lost: map[string][]error{"begin": {unanswered}}}
	r, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	if err != nil || r.Text != "ok" {
		t.Fatal(r, err)
	}
	if len(s.begins) != 2 || s.begins[0].Attempt != s.begins[1].Attempt {
		t.Errorf("the second begin was not the same attempt: %d", len(s.begins))
	}
}

func TestBegin_idempotencyKeys(t *testing.T) {
	done := &storage.Turn{Number: 7, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"), chat.Text(chat.Assistant, "first")),
		Usage: storage.EncodeUsage(chat.Usage{OutputTokens: 9}), Record: json.RawMessage(`{"revision":"r0"}`)}
	m := &scriptLLM{words: []string{"second"}}
	req := Request{ConversationID: "c", Message: "hi", IdempotencyKey: "k"}
	r, err := newTestBot(&logStorage{replay: done}, m).Chat(context.Background(), req, nil)
	if err != nil || !r.Replayed || r.Text != "first" || r.Turn != 7 || r.Revision != "r0" || r.Usage.OutputTokens != 9 || len(m.seen) != 0 {
		t.Errorf("replay %+v %v, model asked %d times", r, err, len(m.seen))
	}
	_, err = newTestBot(&logStorage{reused: true}, m).Chat(context.Background(), req, nil)
	if e := wantClass(t, err, fault.Invalid); e.Path.String() != "Idempotency-Key" {
		t.Errorf("path %q", e.Path)
	}
	_, err = newTestBot(&logStorage{busy: 1, sameKey: true}, m).Chat(context.Background(), req, nil)
	wantClass(t, err, fault.Conflict)
	a, b := req, req
	b.Message = "ho"
	if string(a.digest()) == string(b.digest()) || string(a.digest()) != string(req.digest()) {
		t.Error("digests do not tell requests apart")
	}
	a.ConversationID, a.UserID, b.ConversationID, b.UserID, b.Message = "ab", "c", "a", "bc", a.Message
	if string(a.digest()) == string(b.digest()) {
		t.Error("digests run fields together")
	}
}

func TestBegin_waitsForABusyConversation(t *testing.T) {
	s := &logStorage{busy: 3}
	if _, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
		t.Fatal(err)
	}
	if len(s.begins) != 4 {
		t.Errorf("%d begins; want 4", len(s.begins))
	}
	s = &logStorage{busy: 1 << 30}
	_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}, func(p *Parts) { p.Limits.ConversationWait = 300 * time.Millisecond }).
		Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	if e := wantClass(t, err, fault.Conflict); e.RetryAfter == 0 {
		t.Error("no Retry-After")
	}
}

// badStorage is a storage whose Begin starts the turn and then returns the result of answer.
// When mended is true, its Begin is correct.
type badStorage struct {
	logStorage
	answer func(*storage.BeginResult) (*storage.BeginResult, error)
	mended atomic.Bool
}

func (s *badStorage) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	r, err := s.logStorage.Begin(ctx, req)
	if err == nil && !s.mended.Load() {
		return s.answer(r)
	}
	return r, err
}

func TestBegin_brokenAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*storage.BeginResult) (*storage.BeginResult, error)
		always bool // badStorage.mended stays false
	}{
		"nil":        {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, nil }, false},
		"nothing":    {func(*storage.BeginResult) (*storage.BeginResult, error) { return &storage.BeginResult{}, nil }, false},
		"two things": {func(r *storage.BeginResult) (*storage.BeginResult, error) { r.Busy = &storage.Busy{}; return r, nil }, false},
		"no fence":   {func(r *storage.BeginResult) (*storage.BeginResult, error) { r.Started.Fence = ""; return r, nil }, false},
		"failed replay": {func(*storage.BeginResult) (*storage.BeginResult, error) {
			return &storage.BeginResult{Replay: &storage.Turn{State: storage.Failed}}, nil
		}, false},
		"no number": {func(*storage.BeginResult) (*storage.BeginResult, error) {
			return &storage.BeginResult{Replay: &storage.Turn{State: storage.Succeeded}}, nil
		}, false},
		"internal": {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, errors.New("after it began") }, false},
		"canceled": {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, context.Canceled }, false},
		"always":   {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &badStorage{answer: c.answer}
				both, background := lasts(s, &s.logStorage)
				defer background.close()
				_, err := newTestBot(both, nil).Chat(context.Background(), hi, nil)
				if name == "canceled" {
					wantClass(t, err, fault.Canceled)
				} else {
					wantClass(t, err, fault.Internal)
				}
				s.mended.Store(!c.always)
				background.running.Wait()
				if c.always {
					if len(s.commits) != 0 || len(s.begins) > 3 {
						t.Errorf("%d begins, %d commits", len(s.begins), len(s.commits))
					}
					return
				}
				if last := s.last(t); last.State != storage.Interrupted || s.isRunning(t) {
					t.Errorf("ended by %+v", last)
				}
			})
		})
	}
}

// TestBegin_refusedIsNotRepeated checks that a Begin that the circuit breaker refuses is not
// repeated, because it has started nothing. It is repeated if an earlier Begin of the same turn
// may have started the turn.
func TestBegin_refusedIsNotRepeated(t *testing.T) {
	refused := func() error { return fault.New(fault.ProviderFailed, "it failed too often").After(5 * time.Second) }
	synctest.Test(t, func(t *testing.T) {
		s := &logStorage{faults: map[string][]error{"begin": {refused()}}}
		start := time.Now()
		_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		if e := wantClass(t, err, fault.ProviderFailed); e.RetryAfter != 5*time.Second || time.Since(start) != 0 || len(s.begins) != 1 {
			t.Errorf("%+v after %s and %d begins", e, time.Since(start), len(s.begins))
		}
		s = &logStorage{faults: map[string][]error{"begin": {nil, refused()}}, lost: map[string][]error{"begin": {fault.New(fault.Deadline, "late")}}}
		if _, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil || len(s.begins) != 3 {
			t.Errorf("%v after %d begins; want the started turn taken up by the third", err, len(s.begins))
		}
	})
}

// TestBegin_refusedRetraction checks what callers are told of a retraction that the storage refuses.
func TestBegin_refusedRetraction(t *testing.T) {
	for class, words := range map[fault.Class]string{fault.Conflict: "has no turn of that number", fault.Invalid: "takes back more than 10000 turns"} {
		s := &logStorage{faults: map[string][]error{"begin": {fault.New(class, "in words of the storage").At("retract_from")}}}
		_, err := newTestBot(s, nil).Chat(context.Background(), Request{ConversationID: "c", Message: "hi", RetractFrom: 3}, nil)
		if e := wantClass(t, err, class); e.Path.String() != "retract_from" || !strings.Contains(e.Error(), words) || e.Retryable {
			t.Errorf("%s: %v at %q", class, e, e.Path)
		}
	}
}
