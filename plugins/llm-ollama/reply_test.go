package ollama

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// TestReply_take checks the parts, the reason and the usage of unusual replies, as some servers and
// proxies send them.
func TestReply_take(t *testing.T) {
	const end = `{"done":true,"done_reason":"stop","prompt_eval_count":2,"eval_count":5}`
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"unknown fields": {
			[]string{`{"model":"m","newer":{"a":[1]},"message":{"role":"assistant","content":"a","annotations":[]},"logprobs":null}`, end},
			"text a; stop 2/5",
		},
		"missing fields":        {[]string{`{"message":{"content":"a"}}`, `{}`, `{"message":null}`, end}, "text a; stop 2/5"},
		"nulls":                 {[]string{`{"message":{"role":null,"content":null,"thinking":null,"tool_calls":null,"images":null}}`, end}, "stop 2/5"},
		"all in one":            {[]string{`{"message":{"content":"a","thinking":"t"},"done":true,"eval_count":1}`}, "reasoning t; text a; stop 0/1"},
		"thinking and content":  {[]string{`{"message":{"thinking":"t","content":"a"}}`, `{"message":{"content":"b"}}`, end}, "reasoning t; text a; text b; stop 2/5"},
		"thinking after text":   {[]string{`{"message":{"content":"a"}}`, `{"message":{"thinking":"t"}}`, end}, "text a; reasoning t; stop 2/5"},
		"a call after thinking": {[]string{`{"message":{"thinking":"t","tool_calls":[{"function":{"name":"f","arguments":{"z":1,"a":2}}}]}}`, end}, `reasoning t; call f {"z":1,"a":2}; tool_calls 2/5`},
		"calls in two pieces": {
			[]string{`{"message":{"tool_calls":[{"function":{"name":"f"}}]}}`, `{"message":{"content":"","tool_calls":[{"id":"x","function":{"index":1,"name":"g","arguments":null}}]}}`, end},
			"call f {}; call g {}; tool_calls 2/5",
		},
		"a call with the end": {[]string{`{"message":{"tool_calls":[{"id":"x","function":{"name":"f","arguments":{}}}]},"done":true,"done_reason":"stop"}`}, "call f {}; tool_calls 0/1"},
		"a limit":             {[]string{`{"message":{"content":"a"}}`, `{"done":true,"done_reason":"length","eval_count":1}`}, "text a; length 0/1"},
		"no reason":           {[]string{`{"message":{"content":"a"}}`, `{"done":true}`}, "text a; stop 0/1"},
		"a newer reason":      {[]string{`{"message":{"content":"a"}}`, `{"done":true,"done_reason":"tired"}`}, "text a; unknown 0/1"},
		"counts below zero":   {[]string{`{"message":{"content":"a"}}`, `{"done":true,"prompt_eval_count":-3,"eval_count":-1}`}, "text a; stop 0/1"},
		"no end of lines":     {[]string{strings.TrimSuffix(`{"message":{"content":"a"}}`+end, "\n")}, "text a; stop 2/5"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) {
				for _, line := range c.lines {
					l.raw(line + "\n")
				}
			}
			got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			ids := map[string]bool{}
			for _, d := range got {
				switch d.Kind() {
				case chat.KindToolCall:
					words = append(words, "call "+d.ToolCall.Name+" "+d.ToolCall.Arguments)
					if d.ToolCall.ID == "" || ids[d.ToolCall.ID] {
						t.Errorf("the id %q is missing or not the only one", d.ToolCall.ID)
					}
					ids[d.ToolCall.ID] = true
				default:
					words = append(words, fmt.Sprintf("%s %s", d.Kind(), d.PieceText()))
				}
			}
			words = append(words, fmt.Sprintf("%s %d/%d", finish.Reason, finish.Usage.InputTokens, finish.Usage.OutputTokens))
			if got := strings.Join(words, "; "); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if finish.Reason == llm.FinishUnknown && !strings.Contains(c.want, "unknown") {
				t.Error("no reason")
			}
		})
	}
}

// TestReply_take_keeps checks that a reply keeps short copies of what a response says of it, and not the
// texts that it cuts them out of.
func TestReply_take_keeps(t *testing.T) {
	r := &reply{emit: func(llm.Delta) error { return nil }, ctx: t.Context(), onDone: func() {}}
	long := strings.Repeat("x", 4*maxModelName)
	if err := r.take(api.ChatResponse{Model: long, DoneReason: long, Done: true}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{r.model: maxModelName, r.last.reason: maxDoneReason} {
		if len(text) != want || unsafe.StringData(text) == unsafe.StringData(long) {
			t.Errorf("%d bytes, which are no copy; want %d", len(text), want)
		}
	}
}
