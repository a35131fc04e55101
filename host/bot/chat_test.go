package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestATurnIsBegunComposedAndCommitted(t *testing.T) {
	s := &logStorage{log: []chat.Message{chat.Text(chat.User, "before"), chat.Text(chat.Assistant, "yes")}, number: 1}
	m := &scriptLLM{words: []string{"hello ", "there"}}
	var heard strings.Builder
	r, err := newTestBot(s, m).Chat(context.Background(), Request{ConversationID: "c", Message: "hi {{7*7}} ${env:HOME}", UserID: "u"},
		func(text string) error { heard.WriteString(text); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if r.Text != "hello there" || heard.String() != r.Text || r.Turn != 2 || r.Usage.OutputTokens != 2 || r.Revision != "r1" {
		t.Errorf("reply %+v, heard %q", r, heard.String())
	}
	if got, want := texts(m.seen[0]), "system:be kind|user:before|assistant:yes|user:hi {{7*7}} ${env:HOME}|"; got != want {
		t.Errorf("the model saw %s; want %s", got, want)
	}
	c := s.last(t)
	if c.State != storage.Succeeded || texts(c.Messages) != "assistant:hello there|" || c.Call.Tenant != "acme" {
		t.Errorf("commit %+v", c)
	}
	var rec map[string]any
	if err := json.Unmarshal(c.Record, &rec); err != nil || rec["revision"] != "r1" || rec["host"] != "here" || rec["model"] != "script" {
		t.Errorf("record %s", c.Record)
	}
	if b := s.begins[0]; b.Call.Tenant != "acme" || b.Call.Conversation != "c" || b.Call.User != "u" || b.Holder != "run-1."+b.Attempt || b.Tail != 4 || b.Attempt == "" {
		t.Errorf("begin %+v", b)
	}
}

func TestAFailedTurnIsKeptApartWithItsReason(t *testing.T) {
	s := &logStorage{}
	m := &scriptLLM{words: []string{"par"}, err: fault.New(fault.ProviderFailed, "upstream broke").Upstream(500)}
	_, err := newTestBot(s, m).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	wantClass(t, err, fault.ProviderFailed)
	c := s.last(t)
	if c.State != storage.Failed || c.Reason != "provider_failed: upstream broke" || c.Usage.OutputTokens != 1 || texts(c.Messages) != "assistant:par|" {
		t.Errorf("commit %+v", c)
	}
	if len(s.log) != 0 {
		t.Errorf("a failed turn joined the log: %v", s.log)
	}
}

func TestAClientThatLeavesInterruptsTheTurnAndItsUsageIsKept(t *testing.T) {
	for name, leave := range map[string]func(cancel func()) error{
		"context": func(cancel func()) error { cancel(); return nil },
		"write":   func(func()) error { return errors.New("broken pipe") },
	} {
		t.Run(name, func(t *testing.T) {
			s := &logStorage{}
			m := &scriptLLM{words: []string{"a", "b"}, block: make(chan struct{})}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			_, err := newTestBot(s, m).Chat(ctx, Request{ConversationID: "c", Message: "hi"}, func(text string) error {
				if text == "b" {
					return leave(cancel)
				}
				return nil
			})
			if err == nil {
				t.Fatal("the turn succeeded")
			}
			if c := s.last(t); c.State != storage.Interrupted || c.Usage.OutputTokens != 2 {
				t.Errorf("commit %+v", c)
			}
		})
	}
}

func TestAnUncertainBeginIsTakenUp(t *testing.T) {
	unheard := fault.New(fault.PluginUnavailable, "went away")
	s := &logStorage{lost: map[string][]error{"begin": {unheard}}}
	r, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	if err != nil || r.Text != "ok" {
		t.Fatal(r, err)
	}
	if len(s.begins) != 2 || s.begins[0].Attempt != s.begins[1].Attempt {
		t.Errorf("the second begin was not the same attempt: %d", len(s.begins))
	}
}

func TestAnUncertainCommitIsRepeated(t *testing.T) {
	s := &logStorage{lost: map[string][]error{"commit": {fault.New(fault.Deadline, "late"), fault.New(fault.PluginUnavailable, "gone")}}}
	r, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	if err != nil || r.Turn != 1 {
		t.Fatal(r, err)
	}
	if len(s.commits) != 3 {
		t.Errorf("%d commits; want 3", len(s.commits))
	}
}

func TestAReplyThatWasNotCommittedIsNotAcknowledged(t *testing.T) {
	for _, stale := range []*fault.Error{fault.New(fault.Conflict, "stale fence"), fault.New(fault.NotFound, "no conversation"), fault.New(fault.Internal, "disk")} {
		s := &logStorage{faults: map[string][]error{"commit": {stale, stale}}}
		_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "the reply was not kept") {
			t.Errorf("after %v: %v", stale, err)
		}
	}
}

func TestIdempotencyKeys(t *testing.T) {
	done := &storage.Turn{Number: 7, State: storage.Succeeded, Messages: []chat.Message{chat.Text(chat.User, "hi"), chat.Text(chat.Assistant, "first")},
		Usage: chat.Usage{OutputTokens: 9}, Record: json.RawMessage(`{"revision":"r0"}`)}
	m := &scriptLLM{words: []string{"second"}}
	req := Request{ConversationID: "c", Message: "hi", IdempotencyKey: "k"}
	r, err := newTestBot(&logStorage{replay: done}, m).Chat(context.Background(), req, nil)
	if err != nil || !r.Replayed || r.Text != "first" || r.Turn != 7 || r.Revision != "r0" || r.Usage.OutputTokens != 9 || len(m.seen) != 0 {
		t.Errorf("replay %+v %v, model asked %d times", r, err, len(m.seen))
	}
	_, err = newTestBot(&logStorage{reused: true}, m).Chat(context.Background(), req, nil)
	if e := wantClass(t, err, fault.Invalid); e.Path != "Idempotency-Key" {
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

func TestABusyConversationIsWaitedForAndThenAConflict(t *testing.T) {
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

func TestTheTurnHasADeadline(t *testing.T) {
	s := &logStorage{}
	_, err := newTestBot(s, &scriptLLM{block: make(chan struct{})}, func(p *Parts) { p.Limits.TurnTimeout = 50 * time.Millisecond }).
		Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	wantClass(t, err, fault.Deadline)
	if c := s.last(t); c.State != storage.Failed {
		t.Errorf("state %s", c.State)
	}
}

func TestBadRequests(t *testing.T) {
	ok := Request{ConversationID: "c", Message: "hi"}
	for path, change := range map[string][]func(*Request){
		"conversation_id": {
			func(r *Request) { r.ConversationID = "" },
			// beyond: id
			func(r *Request) { r.ConversationID = strings.Repeat("x", MaxIDBytes+1) },
			func(r *Request) { r.ConversationID = "." },
			func(r *Request) { r.ConversationID = ".." },
			func(r *Request) { r.ConversationID = "a\xff" },
			func(r *Request) { r.ConversationID = "a\x00b" },
		},
		"message": {
			func(r *Request) { r.Message = "" },
			func(r *Request) { r.Message = strings.Repeat("x", 101) },
			func(r *Request) { r.Message = "\xc3\x28" },
			func(r *Request) { r.Message = "a\x00" },
		},
		"user_id":         {func(r *Request) { r.UserID = "\n" }},
		"Idempotency-Key": {func(r *Request) { r.IdempotencyKey = strings.Repeat("k", 300) }},
		"metadata": {
			func(r *Request) { r.Metadata = json.RawMessage(`[1]`) },
			func(r *Request) { r.Metadata = json.RawMessage(`null`) },
			func(r *Request) { r.Metadata = json.RawMessage("{\"a\":\"\xff\"}") },
			func(r *Request) {
				r.Metadata = json.RawMessage(`{"a":"` + strings.Repeat("x", MaxMetadataBytes) + `"}`)
			},
		},
	} {
		for i, c := range change {
			s := &logStorage{}
			r := ok
			c(&r)
			_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), r, nil)
			if e := wantClass(t, err, fault.Invalid); e.Path != path {
				t.Errorf("%s %d: path %q", path, i, e.Path)
			}
			if len(s.begins) != 0 {
				t.Errorf("%s %d reached the storage", path, i)
			}
		}
	}
}

func limits(turns, waiters int) config.Limits {
	return config.Limits{ConcurrentTurns: turns, WaitingTurns: 1000, ConversationWaiters: waiters, ConversationWait: 5 * time.Second}
}
