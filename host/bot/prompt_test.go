package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// withPrompts gives a test's bot these prompts, and a clock that stands at noon in UTC. The texts have
// no constant variables. metadata has the keys that prompts may show, with their defaults.
func withPrompts(system string, named map[string]string, metadata map[string]string) func(*Parts) {
	compile := func(text string) prompt.Prompt {
		parsed, _ := prompt.Parse(text)
		p, _ := parsed.Compile(func(string) (string, bool) { return "", false })
		return p
	}
	return func(p *Parts) {
		p.Prompts = prompt.Set{System: compile(system), Named: map[string]prompt.Prompt{}, Metadata: metadata}
		for name, text := range named {
			p.Prompts.Named[name] = compile(text)
		}
		p.Now = func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }
	}
}

// TestPrompt_ofATurn checks what the model is shown, what is recorded, and that the turn's record
// rebuilds the same prompt.
func TestPrompt_ofATurn(t *testing.T) {
	parts := withPrompts("plain", map[string]string{
		"short": "Be short.",
		"full":  "{{turn.tenant}} {{turn.user}} {{turn.conversation}} {{turn.date}} {{turn.time}} {{metadata.plan}}",
	}, map[string]string{"plan": "free"})
	for name, c := range map[string]struct {
		req            Request
		system, record string
	}{
		"the system prompt": {Request{}, "plain", ``},
		"a named one":       {Request{Prompt: "short"}, "Be short.", `{"name":"short"}`},
		"variables": {Request{Prompt: "full", UserID: "ann", Metadata: json.RawMessage(`{"plan":"{{turn.user}} & <b>"}`)},
			"acme ann c 2026-11-30 12:00 {{turn.user}} & <b>", `"metadata.plan":"{{turn.user}} \u0026 \u003cb\u003e"`},
		"a default": {Request{Prompt: "full", UserID: "ann"}, "acme ann c 2026-11-30 12:00 free", `"turn.time":"12:00"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{}, &scriptLLM{words: []string{"ok"}}
			b := newTestBot(s, m, parts)
			c.req.ConversationID, c.req.Message = "c", "hi {{turn.user}}"
			if _, err := b.Chat(context.Background(), c.req, nil); err != nil {
				t.Fatal(err)
			}
			want := "system:" + c.system + "|user:hi {{turn.user}}|"
			if got := texts(m.seen[0]); got != want {
				t.Errorf("the model saw %s; want %s", got, want)
			}
			kept := s.last(t)
			if !strings.Contains(string(kept.Record), c.record) || strings.Contains(string(kept.Record), `"prompt"`) != (c.record != "") {
				t.Errorf("record %s; want %s", kept.Record, c.record)
			}
			shown, err := b.Inspect(context.Background(), "c", &Turn{Sequence: 1, Number: 1, State: storage.Succeeded, Record: kept.Record, Messages: m.seen[0][1:]})
			if err != nil || len(shown.Gaps) > 0 || texts(shown.Seen) != want {
				t.Errorf("inspected %s, %v, %v; want %s", texts(shown.Seen), shown.Gaps, err, want)
			}
		})
	}
}

// TestPrompt_refused checks that nothing begins for a request whose prompt cannot be made.
func TestPrompt_refused(t *testing.T) {
	parts := withPrompts("{{metadata.plan}}", map[string]string{"short": "Be short."}, map[string]string{"plan": ""})
	for path, req := range map[string]Request{
		"prompt":        {Prompt: "shrt"},
		"metadata.plan": {Metadata: json.RawMessage(`{"plan": ["a"]}`)},
	} {
		t.Run(path, func(t *testing.T) {
			s := &logStorage{}
			req.ConversationID, req.Message = "c", "hi"
			_, err := newTestBot(s, &scriptLLM{}, parts).Chat(context.Background(), req, nil)
			if e := wantClass(t, err, fault.Invalid); e.Path.String() != path || len(s.begins) > 0 {
				t.Errorf("%v at %s, %d begun", e, e.Path, len(s.begins))
			}
		})
	}
}

// TestPrompt_stableFront checks the number of stable messages at the front of a request, which is a hint
// for prompt caches. It is 0 if the prompt probably differs in the next turn, because the prompt is the
// first message.
func TestPrompt_stableFront(t *testing.T) {
	for text, want := range map[string]int{
		"":                    0,
		"plain":               1,
		"{{turn.date}}":       1,
		"{{turn.user}}":       1,
		"a {{turn.time}} b":   0,
		"a {{metadata.a}} b":  0,
		"{{turn.tenant}}, hi": 1,
	} {
		t.Run(text, func(t *testing.T) {
			stable := -1
			m := funcLLM(func(_ context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
				stable = req.Stable
				return &llm.Finish{}, emit(llm.Text("ok"))
			})
			b := newTestBot(&logStorage{}, m, withPrompts(text, nil, map[string]string{"a": ""}))
			if _, err := b.Chat(context.Background(), Request{ConversationID: "c", Message: "hi", UserID: "u"}, nil); err != nil || stable != want {
				t.Errorf("%d of the first messages are stable, %v; want %d", stable, err, want)
			}
		})
	}
}

// TestPrompt_recordOfAnotherBuild checks that an Inspection names a gap if the record lacks the value of
// a variable.
func TestPrompt_recordOfAnotherBuild(t *testing.T) {
	b := newTestBot(&logStorage{}, nil, withPrompts("{{turn.time}}", nil, nil))
	for _, raw := range []string{
		`{"revision":"r1"}`, `{"revision":"r1","prompt":{}}`, `{"revision":"r1","prompt":{"name":"gone"}}`, `{"revision":"r1","prompt":{"variables":{"turn.date":"x"}}}`,
	} {
		turn := Turn{Sequence: 1, Record: json.RawMessage(raw), Messages: hi.newMessages()}
		shown, err := b.Inspect(context.Background(), "c", &turn)
		if err != nil || len(shown.Gaps) != 1 || !strings.Contains(shown.Gaps[0], "which prompt the turn had") || texts(shown.Seen) != "user:hi|" {
			t.Errorf("%s: %s, %v, %v", raw, texts(shown.Seen), shown.Gaps, err)
		}
	}
}
