package bot

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// callsTools returns a message of the assistant that calls tools with these ids.
func callsTools(ids ...string) chat.Message {
	m := chat.Message{Role: chat.Assistant}
	for _, id := range ids {
		m.Parts = append(m.Parts, chat.Part{ToolCall: &chat.ToolCall{ID: id, Name: "f", Arguments: "{}"}})
	}
	return m
}

// toolResult returns the message with the result of a call.
func toolResult(id string) chat.Message {
	return chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: id, Parts: []chat.Part{{Text: "of " + id}}}}}}
}

// outline describes messages: u for one of the user, a for a reply, c(1 2) for calls, r(1) for results.
func outline(messages []chat.Message) string {
	var words []string
	for _, m := range messages {
		var calls, results []string
		for _, p := range m.Parts {
			if p.ToolCall != nil {
				calls = append(calls, p.ToolCall.ID)
			}
			if p.ToolResult != nil {
				results = append(results, p.ToolResult.ToolCallID)
			}
		}
		switch {
		case len(calls) > 0:
			words = append(words, "c("+strings.Join(calls, " ")+")")
		case len(results) > 0:
			words = append(words, "r("+strings.Join(results, " ")+")")
		default:
			words = append(words, string(m.Role[:1]))
		}
	}
	return strings.Join(words, " ")
}

// TestCheckAnswers checks which messages may follow on a reply with calls of tools.
func TestCheckAnswers(t *testing.T) {
	user, reply := chat.Text(chat.User, "u"), chat.Text(chat.Assistant, "a")
	for name, c := range map[string]struct {
		log  []chat.Message
		send []chat.Message
		path string // of the error; empty for none
		says string
	}{
		"all":                           {[]chat.Message{user, callsTools("1", "2")}, []chat.Message{toolResult("2"), toolResult("1")}, "", ""},
		"all, and a message":            {[]chat.Message{user, callsTools("1")}, []chat.Message{toolResult("1"), user}, "", ""},
		"none waits":                    {[]chat.Message{user, reply}, []chat.Message{user}, "", ""},
		"the first turn":                {nil, []chat.Message{user, user}, "", ""},
		"one is missing":                {[]chat.Message{user, callsTools("1", "2")}, []chat.Message{toolResult("1")}, "messages", "for 2,"},
		"a message in place of results": {[]chat.Message{user, callsTools("1", "2")}, []chat.Message{user}, "messages", "for 1, 2, or retract_from"},
		"a text in place of results":    {[]chat.Message{user, callsTools("1")}, nil, "message", "for 1, or retract_from"},
		"another call":                  {[]chat.Message{user, callsTools("1")}, []chat.Message{toolResult("3")}, "messages.0.tool_call_id", "expected results for 1"},
		"twice":                         {[]chat.Message{user, callsTools("1", "2")}, []chat.Message{toolResult("1"), toolResult("1")}, "messages.1.tool_call_id", "one result for each"},
		"no call at all":                {[]chat.Message{user, reply}, []chat.Message{toolResult("1")}, "messages.0.tool_call_id", "no call of a tool waits"},
		"no turn at all":                {nil, []chat.Message{toolResult("1")}, "messages.0.tool_call_id", "no call of a tool waits"},
		"calls that were answered": {[]chat.Message{user, callsTools("1"), toolResult("1"), reply}, []chat.Message{toolResult("1")},
			"messages.0.tool_call_id", "no call of a tool waits"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{history: c.log}, &scriptLLM{words: []string{"ok"}}
			req := Request{ConversationID: "c", Messages: c.send}
			if c.send == nil {
				req.Message = "hi"
			}
			_, err := newTestBot(s, m).Chat(t.Context(), req, nil)
			if c.path == "" {
				if err != nil || s.last(t).State != storage.Succeeded {
					t.Errorf("%v", err)
				}
				return
			}
			if e := wantClass(t, err, fault.Invalid); e.Path.String() != c.path || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s: %v", e.Path, e)
			}
			if len(m.seen) != 0 || s.last(t).State != storage.Failed {
				t.Errorf("the model was asked %d times, and the turn %s", len(m.seen), s.last(t).State)
			}
		})
	}
}

// TestBot_Chat_toolCalls checks a turn that ends in calls of tools, and the turn with their results,
// with memories that show much, little and nothing of the conversation.
func TestBot_Chat_toolCalls(t *testing.T) {
	for _, tail := range []int{0, 1, 2, 10} {
		t.Run(fmt.Sprint("tail of ", tail), func(t *testing.T) {
			s := &logStorage{}
			var asked *llm.Request
			model := funcLLM(func(_ context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
				asked = req
				if len(s.commits) > 0 {
					return &llm.Finish{Reason: llm.FinishStop}, emit(llm.Text("done"))
				}
				for _, d := range []llm.Delta{llm.Text("one moment"), llm.ToolCall(chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}),
					llm.ToolCall(chat.ToolCall{ID: "1", Name: "f"}), llm.ToolCall(chat.ToolCall{Name: "g"})} {
					if err := emit(d); err != nil {
						return nil, err
					}
				}
				return &llm.Finish{Reason: llm.FinishStop}, nil
			})
			b := newTestBot(s, model, func(p *Parts) { p.Memory = tailMemory(tail) })
			req := hi
			req.Tools = []llm.Tool{{Name: "f", Parameters: []byte(`{}`)}, {Name: "g", Parameters: []byte(`{}`)}}
			req.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: "g"}
			r, err := b.Chat(t.Context(), req, nil)
			if err != nil || r.FinishReason != "tool_calls" || len(r.ToolCalls) != 3 || r.Text != "one moment" {
				t.Fatalf("%+v, %v", r, err)
			}
			if !reflect.DeepEqual(asked.Tools, req.Tools) || asked.ToolChoice != req.ToolChoice {
				t.Errorf("asked with %+v", asked)
			}
			answer := Request{ConversationID: "c"}
			ids := map[string]bool{}
			for _, c := range r.ToolCalls {
				ids[c.ID] = true
				answer.Messages = append(answer.Messages, toolResult(c.ID))
			}
			if len(ids) != 3 || ids[""] {
				t.Errorf("calls without a name of their own: %v", ids)
			}
			r, err = b.Chat(t.Context(), answer, nil)
			if err != nil || r.Text != "done" || r.FinishReason != "stop" || r.ToolCalls != nil {
				t.Fatalf("%+v, %v", r, err)
			}
			earlier := asked.Messages[1 : len(asked.Messages)-3]
			if n := len(earlier); n != max(1, min(tail, 2)) || len(toolCallsOf(earlier[n-1].Parts)) != 3 {
				t.Errorf("the model was shown %s", outline(asked.Messages))
			}
			if rec := readRecord(s.last(t).Record); rec.Recalled != len(earlier) {
				t.Errorf("%d recalled of %d", rec.Recalled, len(earlier))
			}
		})
	}
}

// TestPairCalls checks that the model is shown each call with its result, and no result without its call.
func TestPairCalls(t *testing.T) {
	user, reply := chat.Text(chat.User, "u"), chat.Text(chat.Assistant, "a")
	for name, c := range map[string]struct {
		in      []chat.Message
		open    bool
		out     string
		dropped replacedParts
	}{
		"paired":                      {[]chat.Message{user, callsTools("1", "2"), toolResult("2"), toolResult("1"), reply}, false, "u c(1 2) r(2) r(1) a", replacedParts{}},
		"a result whose call was cut": {[]chat.Message{toolResult("1"), reply, user}, false, "a u", replacedParts{ToolResults: 1}},
		"calls without results":       {[]chat.Message{user, callsTools("1"), user, reply}, false, "u u a", replacedParts{ToolCalls: 1}},
		"one of two":                  {[]chat.Message{callsTools("1", "2"), toolResult("1"), user}, false, "c(1) r(1) u", replacedParts{ToolCalls: 1}},
		"a result at another place":   {[]chat.Message{callsTools("1"), user, toolResult("1")}, false, "u", replacedParts{ToolCalls: 1, ToolResults: 1}},
		"a result twice":              {[]chat.Message{callsTools("1"), toolResult("1"), toolResult("1")}, false, "c(1) r(1)", replacedParts{ToolResults: 1}},
		"open at the end":             {[]chat.Message{callsTools("0"), user, callsTools("1")}, true, "u c(1)", replacedParts{ToolCalls: 1}},
		"closed at the end":           {[]chat.Message{user, callsTools("1")}, false, "u", replacedParts{ToolCalls: 1}},
		"the same id again":           {[]chat.Message{callsTools("1"), toolResult("1"), reply, user, callsTools("1"), toolResult("1")}, false, "c(1) r(1) a u c(1) r(1)", replacedParts{}},
	} {
		t.Run(name, func(t *testing.T) {
			before := outline(c.in)
			p := pairCalls(c.in, c.open)
			if outline(p.messages) != c.out || p.dropped != c.dropped || len(p.from) != len(p.messages) {
				t.Errorf("%s, %+v", outline(p.messages), p)
			}
			for i, from := range p.from {
				if p.messages[i].Role != c.in[from].Role || p.messages[i].Text() != c.in[from].Text() {
					t.Errorf("message %d is not message %d of those that were given", i, from)
				}
			}
			if outline(c.in) != before {
				t.Error("the given messages were changed")
			}
		})
	}
}
