package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// TestReplyCleaner_keepsWhatItShows checks that the caller sees the text that is stored and
// that a replay returns, whatever bytes the model sends.
func TestReplyCleaner_keepsWhatItShows(t *testing.T) {
	text := func(pieces ...string) (out []llm.Delta) {
		for _, p := range pieces {
			out = append(out, llm.Text(p))
		}
		return out
	}
	for name, c := range map[string]struct {
		pieces []llm.Delta
		want   string
	}{
		"plain":                 {text("hello"), "hello"},
		"NUL":                   {text("a\x00b"), "a\uFFFDb"},
		"NUL alone":             {text("\x00"), "\uFFFD"},
		"not UTF-8":             {text("a\xffb"), "a\uFFFDb"},
		"a cut character":       {text("\xe2", "\x82", "\xac!"), "€!"},
		"a character unended":   {text("a", "\xf0\x9f\x98"), "a\uFFFD\uFFFD\uFFFD"},
		"cut by another kind":   {[]llm.Delta{llm.Text("\xc3"), llm.Reasoning("\xc3"), llm.Reasoning("\xa9"), llm.Text("\xa9")}, "\uFFFD\uFFFD"},
		"cut by a new part":     {[]llm.Delta{llm.Text("\xc3"), {Part: chat.Part{Text: "\xa9"}, Begins: true}}, "\uFFFD\uFFFD"},
		"cut by a state":        {[]llm.Delta{llm.Text("a\xc3"), {Part: chat.Part{State: &chat.ProviderState{Data: []byte{1}}}}, llm.Text("\xa9")}, "a\uFFFD\uFFFD"},
		"a refusal":             {[]llm.Delta{llm.Text("a"), {Part: chat.Part{Refusal: &chat.Refusal{Text: "b\xff"}}}}, "ab\uFFFD"},
		"half of a pair":        {text("\xed\xa0\xbd"), "\uFFFD\uFFFD\uFFFD"},
		"reasoning alone":       {[]llm.Delta{llm.Reasoning("h\x00m\xff")}, ""},
		"a tool call alone":     {[]llm.Delta{llm.ToolCall(chat.ToolCall{ID: "\x00", Name: "f\xff", Arguments: "{\x00}"})}, ""},
		"counts below zero":     {[]llm.Delta{{Part: chat.Part{Text: "a"}, Usage: chat.Usage{InputTokens: -1, OutputTokens: -5}}}, "a"},
		"a model with a bad id": {text("ok"), "ok"},
	} {
		for _, streamed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, streamed %v", name, streamed), func(t *testing.T) {
				s := &logStorage{}
				finish := &llm.Finish{Model: "m\x00\xff" + strings.Repeat("€", 1000), Usage: chat.Usage{InputTokens: -7, OutputTokens: 2}, Reason: llm.FinishReason(99)}
				var shown strings.Builder
				var emit func(string) error
				if streamed {
					emit = func(text string) error { shown.WriteString(text); return nil }
				}
				r, err := newTestBot(s, says(finish, nil, c.pieces...)).Chat(context.Background(), hi, emit)
				if err != nil {
					t.Fatal(err)
				}
				kept := s.last(t)
				if len(s.commits) != 1 || kept.State != storage.Succeeded {
					t.Errorf("%d commits, the last %+v", len(s.commits), kept)
				}
				reason := "unknown"
				if len(r.ToolCalls) > 0 {
					reason = "tool_calls"
				}
				again, err := (&turn{bot: &Bot{}}).replay(&storage.Turn{Messages: kept.Messages, Record: kept.Record})
				if err != nil {
					t.Fatal(err)
				}
				said := decoded(kept.Messages...)[0].Text()
				if r.Text != c.want || streamed && shown.String() != c.want || said != c.want || again.Text != c.want {
					t.Errorf("answered %q, shown %q, kept %q, again %q; want %q", r.Text, shown.String(), said, again.Text, c.want)
				}
				if r.Model != again.Model || !strings.HasPrefix(r.Model, "m\uFFFD\uFFFD€") || len(r.Model) > maxModelBytes || r.FinishReason != reason || again.FinishReason != reason || r.Timings != again.Timings {
					t.Errorf("answered %+v, again %+v", r, again)
				}
				if !usageOf(kept.Usage).Equal(chat.Usage{OutputTokens: 2}) || !r.Usage.Equal(usageOf(kept.Usage)) {
					t.Errorf("usage %s, %+v", kept.Usage, r.Usage)
				}
				var rec record
				if err := json.Unmarshal(kept.Record, &rec); err != nil || cmp.Or(rec.FinishReason, "unknown") != reason || !strings.HasPrefix(rec.Model, "m\uFFFD\uFFFD€") || len(rec.Model) > maxModelBytes {
					t.Errorf("record %s, %v", kept.Record, err)
				}
			})
		}
	}
}

func TestCleanMessages_ofTheMemory(t *testing.T) {
	recalled := []chat.Message{chat.Text(chat.User, "a\x00"), {Role: "r\xff", Parts: []chat.Part{{ToolCall: &chat.ToolCall{}}, {ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: "\xff"}}}}}}}
	m := &scriptLLM{words: []string{"ok"}}
	if _, err := newTestBot(&logStorage{}, m, func(p *Parts) {
		p.Memory = recalling(func() ([]chat.Message, error) { return recalled, nil })
	}).Chat(context.Background(), hi, nil); err != nil {
		t.Fatal(err)
	}
	want := []chat.Message{chat.Text(chat.User, "a\uFFFD"), {Role: "r\uFFFD", Parts: []chat.Part{{ToolCall: &chat.ToolCall{}}, {ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: "\uFFFD"}}}}}}}
	if got := m.seen[0][1:3]; !reflect.DeepEqual(got, want) {
		t.Errorf("the model saw %+v", got)
	}
}
