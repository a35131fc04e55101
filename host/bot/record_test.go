package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// TestRecord_finishReason checks that a reply has the finish reason that the model gave, or
// else unknown, whatever the reply contains.
func TestRecord_finishReason(t *testing.T) {
	text, thought, call := llm.Text("ok"), llm.Reasoning("hm"), llm.ToolCall(chat.ToolCall{ID: "1", Name: "f"})
	for reason, want := range map[llm.FinishReason]struct {
		name  string
		empty bool // an empty reply is a success with this reason
	}{
		llm.FinishStop: {"stop", false}, llm.FinishLength: {"length", true}, llm.FinishToolCalls: {"tool_calls", false},
		llm.FinishContentFilter: {"content_filter", true}, llm.FinishUnknown: {"unknown", false}, 99: {"unknown", false}, -1: {"unknown", false},
	} {
		for what, pieces := range map[string][]llm.Delta{
			"text": {text}, "reasoning": {thought}, "a call": {call}, "text and a call": {text, call}, "empty pieces": {{}, {}}, "no piece": nil,
		} {
			t.Run(fmt.Sprintf("%s after %s", want.name, what), func(t *testing.T) {
				want := want
				if strings.Contains(what, "call") && (want.name == "stop" || want.name == "unknown") {
					want.name = "tool_calls" // whatever the provider says: the caller must run the tools
				}
				s := &logStorage{}
				spent := &llm.Finish{Reason: reason, Model: "m", Usage: chat.Usage{InputTokens: 5, OutputTokens: 1}}
				r, err := newTestBot(s, says(spent, nil, pieces...)).Chat(context.Background(), hi, nil)
				kept := s.last(t)
				if !usageOf(kept.Usage).Equal(spent.Usage) {
					t.Errorf("usage %s", kept.Usage)
				}
				if nothing := len(pieces) == 0 || what == "empty pieces"; nothing && !want.empty {
					e := wantClass(t, err, fault.ProviderFailed)
					if !strings.Contains(e.ForCallers(), "nothing in it (finish_reason "+want.name+")") || kept.State != storage.Failed || len(kept.Messages) != 0 {
						t.Errorf("%v, kept %+v", err, kept)
					}
					return
				}
				if err != nil || r.FinishReason != want.name || r.Model != "m" || kept.State != storage.Succeeded {
					t.Fatalf("%+v, %v, %s", r, err, kept.State)
				}
				again, err := (&turn{bot: newTestBot(s, nil), req: hi}).replay(&storage.Turn{Number: r.Turn, Messages: kept.Messages, Usage: kept.Usage, Record: kept.Record})
				r.Replayed = true
				if err != nil || !reflect.DeepEqual(*again, *r) || r.Revision != "r1" {
					t.Errorf("answered %+v, again %+v", r, again)
				}
			})
		}
	}
}

// TestReadRecord_ofAnyBuild checks that a stored record of another build, or an imported
// record, is read. A record that cannot be decoded counts as empty, and long values are cut.
func TestReadRecord_ofAnyBuild(t *testing.T) {
	for raw, want := range map[string]Reply{
		``:                  {FinishReason: "unknown"},
		`null`:              {FinishReason: "unknown"},
		`[1]`:               {FinishReason: "unknown"},
		`{"model":5}`:       {FinishReason: "unknown"},
		`{"revision":"r0"}`: {Revision: "r0", FinishReason: "unknown"},
		`{"revision":"r0","model":"m","finish_reason":"stop","wait_ms":1,"begin_ms":2,"recall_ms":3,"first_token_ms":4,"llm_ms":5}`: {
			Revision: "r0", Model: "m", FinishReason: "stop", Timings: Timings{1, 2, 3, 4, 5}},
		`{"finish_reason":"what is to come"}`: {FinishReason: "what is to come"},
	} {
		t.Run(raw, func(t *testing.T) {
			want.Replayed = true
			if got, err := (&turn{bot: &Bot{}}).replay(&storage.Turn{Record: json.RawMessage(raw)}); err != nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
	long, _ := json.Marshal(record{Model: strings.Repeat("m", 1<<20), FinishReason: strings.Repeat("r", 1<<20)})
	if got, err := (&turn{bot: &Bot{}}).replay(&storage.Turn{Record: long}); err != nil || len(got.Model) > maxModelBytes || len(got.FinishReason) > maxFinishReasonBytes {
		t.Errorf("%d and %d bytes", len(got.Model), len(got.FinishReason))
	}
}
