package bot

import (
	"context"
	"encoding/json"
	"errors"
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
