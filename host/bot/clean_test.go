package bot

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// funcLLM is a model made of a function.
type funcLLM func(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error)

func (f funcLLM) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return f(ctx, req, emit)
}

// says is a model that says the pieces and then ends so.
func says(finish *llm.Finish, err error, pieces ...llm.Delta) funcLLM {
	return func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		for _, d := range pieces {
			if err := emit(d); err != nil {
				return nil, err
			}
		}
		return finish, err
	}
}

// recalling is a memory made of what it recalls.
type recalling func() ([]chat.Message, error)

func (recalling) Needs() memory.Needs { return memory.Needs{Recall: true} }
func (f recalling) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return f()
}

// What is shown is what is kept is what is answered again, whatever the model says.
func TestWhatIsShownIsWhatIsKept(t *testing.T) {
	text := func(pieces ...string) (out []llm.Delta) {
		for _, p := range pieces {
			out = append(out, llm.Delta{Text: p})
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
		"cut by another kind":   {[]llm.Delta{{Text: "\xc3"}, {Reasoning: "\xc3"}, {Text: "\xa9"}, {Reasoning: "\xa9"}}, "é"},
		"half of a pair":        {text("\xed\xa0\xbd"), "\uFFFD\uFFFD\uFFFD"},
		"reasoning alone":       {[]llm.Delta{{Reasoning: "h\x00m\xff"}}, ""},
		"a tool call alone":     {[]llm.Delta{{ToolCalls: []chat.ToolCall{{ID: "\x00", Name: "f\xff", Arguments: "{\x00}"}}}}, ""},
		"counts below zero":     {[]llm.Delta{{Text: "a", Usage: chat.Usage{InputTokens: -1, OutputTokens: -5}}}, "a"},
		"a model with a bad id": {text("ok"), "ok"},
	} {
		for _, streamed := range []bool{true, false} {
			s := &logStorage{}
			finish := &llm.Finish{Model: "m\x00\xff" + strings.Repeat("€", 1000), Usage: chat.Usage{InputTokens: -7, OutputTokens: 2}, Reason: llm.FinishReason(99)}
			var shown strings.Builder
			var emit func(string) error
			if streamed {
				emit = func(text string) error { shown.WriteString(text); return nil }
			}
			r, err := newTestBot(s, says(finish, nil, c.pieces...)).Chat(context.Background(), hi, emit)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			kept := s.last(t)
			if len(s.commits) != 1 || kept.State != storage.Succeeded {
				t.Errorf("%s: %d commits, the last %+v", name, len(s.commits), kept)
			}
			again := (&turn{bot: &Bot{}}).replay(&storage.Turn{Messages: kept.Messages, Record: kept.Record})
			if r.Text != c.want || streamed && shown.String() != c.want || kept.Messages[0].Text() != c.want || again.Text != c.want {
				t.Errorf("%s: answered %q, shown %q, kept %q, again %q; want %q", name, r.Text, shown.String(), kept.Messages[0].Text(), again.Text, c.want)
			}
			if r.Model != again.Model || !strings.HasPrefix(r.Model, "m\uFFFD\uFFFD€") || len(r.Model) > maxModelBytes || r.FinishReason != "unknown" || again.FinishReason != "unknown" || r.Timings != again.Timings {
				t.Errorf("%s: answered %+v, again %+v", name, r, again)
			}
			if kept.Usage != (chat.Usage{OutputTokens: 2}) || r.Usage != kept.Usage {
				t.Errorf("%s: usage %+v, %+v", name, kept.Usage, r.Usage)
			}
			var rec record
			if err := json.Unmarshal(kept.Record, &rec); err != nil || rec.FinishReason != "" || !strings.HasPrefix(rec.Model, "m\uFFFD\uFFFD€") || len(rec.Model) > maxModelBytes {
				t.Errorf("%s: record %s, %v", name, kept.Record, err)
			}
		}
	}
}

func TestWhyATurnFailedIsCleanAndBrief(t *testing.T) {
	for name, c := range map[string]struct {
		m    llm.LLM
		from memory.Memory
	}{
		"model":  {says(nil, fault.New(fault.ProviderFailed, "broke\x00\xff%s", strings.Repeat("€", 20000))), tailMemory(4)},
		"memory": {nil, recalling(func() ([]chat.Message, error) { return nil, errors.New("broke\x00\xff" + strings.Repeat("€", 20000)) })},
	} {
		s := &logStorage{}
		_, err := newTestBot(s, c.m, func(p *Parts) { p.Memory = c.from }).Chat(context.Background(), hi, nil)
		if err == nil {
			t.Fatal("it succeeded")
		}
		kept := s.last(t)
		if len(s.commits) != 1 || kept.State != storage.Failed || !strings.Contains(kept.Reason, ": broke\uFFFD\uFFFD€") || len(kept.Reason) > sdk.MaxReasonBytes || !strings.HasSuffix(kept.Reason, "€…") {
			t.Errorf("%s: %d commits, reason %.40q of %d bytes", name, len(s.commits), kept.Reason, len(kept.Reason))
		}
	}
}

func TestWhatIsRecalledIsCleanForTheModel(t *testing.T) {
	recalled := []chat.Message{chat.Text(chat.User, "a\x00"), {Role: "r\xff", Parts: []chat.Part{{ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: "\xff"}}}}}}}
	m := &scriptLLM{words: []string{"ok"}}
	if _, err := newTestBot(&logStorage{}, m, func(p *Parts) {
		p.Memory = recalling(func() ([]chat.Message, error) { return recalled, nil })
	}).Chat(context.Background(), hi, nil); err != nil {
		t.Fatal(err)
	}
	want := []chat.Message{chat.Text(chat.User, "a\uFFFD"), {Role: "r\uFFFD", Parts: []chat.Part{{ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: "\uFFFD"}}}}}}}
	if got := m.seen[0][1:3]; !reflect.DeepEqual(got, want) {
		t.Errorf("the model saw %+v", got)
	}
}

// A reply that ends without saying how is none.
func TestAReplyWithoutItsEnd(t *testing.T) {
	s := &logStorage{}
	_, err := newTestBot(s, says(nil, nil, llm.Delta{Text: "par"})).Chat(context.Background(), hi, nil)
	if e := wantClass(t, err, fault.ProviderFailed); e.Party != fault.PartyPlugin {
		t.Errorf("by %s", e.Party)
	}
	if c := s.last(t); c.State != storage.Failed || texts(c.Messages) != "assistant:par|" {
		t.Errorf("%+v", c)
	}
}
