package bot

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

func TestTurnReason_isCleanAndShort(t *testing.T) {
	for name, c := range map[string]struct {
		m    llm.LLM
		from memory.Memory
	}{
		"model":  {says(nil, fault.New(fault.ProviderFailed, "broke\x00\xff%s", strings.Repeat("€", 20000))), tailMemory(4)},
		"memory": {nil, recalling(func() ([]chat.Message, error) { return nil, errors.New("broke\x00\xff" + strings.Repeat("€", 20000)) })},
	} {
		t.Run(name, func(t *testing.T) {
			s := &logStorage{}
			_, err := newTestBot(s, c.m, func(p *Parts) { p.Memory = c.from }).Chat(context.Background(), hi, nil)
			if err == nil {
				t.Fatal("it succeeded")
			}
			kept := s.last(t)
			if len(s.commits) != 1 || kept.State != storage.Failed || !strings.Contains(kept.Reason, ": broke\uFFFD\uFFFD€") || len(kept.Reason) > sdk.MaxReasonBytes || !strings.HasSuffix(kept.Reason, "€…") {
				t.Errorf("%d commits, reason %.40q of %d bytes", len(s.commits), kept.Reason, len(kept.Reason))
			}
		})
	}
}

// TestForCallers checks that callers do not see a reason that is stored without a Failure,
// because it may quote a plugin.
func TestForCallers(t *testing.T) {
	with := func(f *Failure) json.RawMessage { r := record{Revision: "r", Failure: f}; return r.json() }
	for name, c := range map[string]struct {
		in     Turn
		reason string
		record string // expected record; empty if any record is right, "none" if there must be none
	}{
		"succeeded":            {Turn{State: storage.Succeeded, Record: json.RawMessage(`{"llm_ms":12345678901234567890}`)}, "", `{"llm_ms":12345678901234567890}`},
		"of this host":         {Turn{State: storage.Failed, Reason: "deadline: too long", Record: with(&Failure{Detail: "10.0.0.7"})}, "deadline: too long", ""},
		"of this host, empty":  {Turn{State: storage.Failed, Reason: "internal: x", Record: with(&Failure{})}, "internal: x", ""},
		"of an earlier host":   {Turn{State: storage.Failed, Reason: "provider_failed: 10.0.0.7 broke", Record: with(nil)}, "provider_failed: the bot failed", ""},
		"of no record":         {Turn{State: storage.Interrupted, Reason: "10.0.0.7 died"}, "interrupted", ""},
		"of a record in ruins": {Turn{State: storage.Failed, Reason: "invalid: 10.0.0.7", Record: json.RawMessage(`{"10.0.0.7`)}, "invalid: the bot cannot take this request", "none"},
		"of no class":          {Turn{State: storage.Failed, Reason: "weird: 10.0.0.7"}, "failed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ForCallers(c.in)
			var r map[string]any
			_ = json.Unmarshal(got.Record, &r)
			if got.Reason != c.reason || r["failure"] != nil || c.record == "none" && len(got.Record) > 0 || c.record != "" && c.record != "none" && string(got.Record) != c.record {
				t.Errorf("%q, %s", got.Reason, got.Record)
			}
		})
	}
	f := newFailure(fault.New(fault.NotFound, "10.0.0.7 has no model").At("llm", "model").From(fault.OriginModel))
	if f.Detail != "llm.model: 10.0.0.7 has no model" || f.Party != "tenant" || f.Path != "llm.model" {
		t.Errorf("%+v", f)
	}
	if f := newFailure(fault.New(fault.Deadline, "too long")); f.Detail != "" || newFailure(nil) != nil {
		t.Errorf("%+v", f)
	}
}

// TestForCallers_hidesWordsOfPlugins checks that callers read nothing in a record that a plugin or an
// upstream has said, and that operators read it, cleaned and cut.
func TestForCallers_hidesWordsOfPlugins(t *testing.T) {
	const secret = "10.0.0.7"
	s := &logStorage{}
	m := &problemMemory{Recalled: memory.Recalled{
		Problems: append([]string{secret + " is slow\x00\xff" + strings.Repeat("€", memory.MaxProblemBytes)}, slices.Repeat([]string{"more"}, memory.MaxProblems)...),
		Items: []memory.Item{
			{Message: chat.Text(chat.User, "f"), Fact: &memory.FactSource{Kind: secret}},
			{Message: chat.Text(chat.User, "o"), Turn: &memory.TurnSource{Conversation: secret, Number: 3}},
			{Message: chat.Text(chat.User, "t"), Turn: &memory.TurnSource{Number: 12}},
		},
	}}
	broken := &failingLLM{name: "one", errs: always(fault.New(fault.RateLimited, "%s has no quota", secret).At(secret).From(fault.OriginModel))}
	if _, err := fallingBack(s, broken, &failingLLM{name: "two"}, func(p *Parts) { p.Memory = m }).Chat(t.Context(), hi, nil); err != nil {
		t.Fatal(err)
	}
	kept := keptRecord(t, s)
	if n := len(kept.MemoryProblems); n != memory.MaxProblems || !strings.HasPrefix(kept.MemoryProblems[0], secret+" is slow\uFFFD\uFFFD€") ||
		len(kept.MemoryProblems[0]) > memory.MaxProblemBytes {
		t.Errorf("%d problems are kept, the first is %.60q", n, kept.MemoryProblems)
	}
	raw := s.last(t).Record
	if n := strings.Count(string(raw), secret); n < 5 {
		t.Errorf("the operator reads %d of 5 words in %s", n, raw)
	}
	told := ForCallers(Turn{State: storage.Succeeded, Record: raw}).Record
	if strings.Contains(string(told), secret) || !strings.Contains(string(told), `"recalled":[{},{},{"turn":12}]`) || !strings.Contains(string(told), `"revision":"r1"`) {
		t.Errorf("callers read %s", told)
	}
	for _, raw := range []string{`{"recalled":"10.0.0.7"}`, `{"recalled":[{"fact":"10.0.0.7","turn":"10.0.0.7"}]}`, `{"memory_problems":"10.0.0.7"}`} {
		if told := ForCallers(Turn{State: storage.Succeeded, Record: json.RawMessage(raw)}).Record; strings.Contains(string(told), secret) {
			t.Errorf("of %s callers read %s", raw, told)
		}
	}
}

// problemMemory is a memory that recalls the items and reports the problems.
type problemMemory struct{ memory.Recalled }

func (*problemMemory) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (m *problemMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return &m.Recalled, nil
}
