package bot

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestChat_beginsComposesAndCommits(t *testing.T) {
	s := &logStorage{history: []chat.Message{chat.Text(chat.User, "before"), chat.Text(chat.Assistant, "yes")}}
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
	if c.State != storage.Succeeded || texts(decoded(c.Messages...)) != "assistant:hello there|" || c.Call.Tenant != "acme" {
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

func TestChat_isInterruptedWhenItsClientGoes(t *testing.T) {
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
			if c := s.last(t); c.State != storage.Interrupted || usageOf(c.Usage).OutputTokens != 2 {
				t.Errorf("commit %+v", c)
			}
		})
	}
}

func TestChat_endsAtTheTurnTimeout(t *testing.T) {
	s := &logStorage{}
	_, err := newTestBot(s, &scriptLLM{block: make(chan struct{})}, func(p *Parts) { p.Limits.TurnTimeout = 50 * time.Millisecond }).
		Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	wantClass(t, err, fault.Deadline)
	if c := s.last(t); c.State != storage.Failed {
		t.Errorf("state %s", c.State)
	}
}
