package echo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

func TestEcho_Chat_toolCalls(t *testing.T) {
	tools := []llm.Tool{{Name: "time"}, {Name: "weather"}}
	for name, c := range map[string]struct {
		text     string
		tools    []llm.Tool
		choice   llm.ToolChoice
		calls    string
		parallel *bool
	}{
		"one":             {`Call weather {"city": "Rome"}`, tools, llm.ToolChoice{}, `weather {"city": "Rome"}`, nil},
		"two":             {"Please:\ncall time\ncall weather", tools, llm.ToolChoice{}, "time {}, weather {}", nil},
		"no such tool":    {"call home", tools, llm.ToolChoice{}, "", nil},
		"no tools":        {"call time", nil, llm.ToolChoice{}, "", nil},
		"nothing to call": {"hello", tools, llm.ToolChoice{}, "", nil},
		"none":            {"call time", tools, llm.ToolChoice{Mode: llm.ToolNone}, "", nil},
		"required":        {"hello", tools, llm.ToolChoice{Mode: llm.ToolRequired}, "time {}", nil},
		"required anyway": {"call weather", tools, llm.ToolChoice{Mode: llm.ToolRequired}, "weather {}", nil},
		"named":           {"call time", tools, llm.ToolChoice{Mode: llm.ToolNamed, Name: "weather"}, "weather {}", nil},
		"one at a time":   {"call time\ncall weather", tools, llm.ToolChoice{}, "time {}", new(false)},
		"many at a time":  {"call time\ncall weather", tools, llm.ToolChoice{}, "time {}, weather {}", new(true)},
	} {
		t.Run(name, func(t *testing.T) {
			var calls []string
			ids := map[string]bool{}
			finish, err := open(t, Config{}).Chat(t.Context(), &llm.Request{Messages: []chat.Message{chat.Text(chat.User, c.text)}, Tools: c.tools, ToolChoice: c.choice, ParallelToolCalls: c.parallel},
				func(d llm.Delta) error {
					if d.ToolCall != nil {
						ids[d.ToolCall.ID] = true
						calls = append(calls, d.ToolCall.Name+" "+d.ToolCall.Arguments)
					}
					return nil
				})
			if err != nil || strings.Join(calls, ", ") != c.calls || len(ids) != len(calls) {
				t.Errorf("%v with the ids %v, %v", calls, ids, err)
			}
			if want := c.calls != ""; (finish.Reason == llm.FinishToolCalls) != want {
				t.Errorf("ended with %s", finish.Reason)
			}
		})
	}
}

func TestEcho_Chat_toolResults(t *testing.T) {
	req := request("call a")
	req.Tools = []llm.Tool{{Name: "a"}}
	for i := range 2 {
		req.Messages = append(req.Messages, chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{Parts: []chat.Part{{Text: fmt.Sprintf("%d\"", i)}}}}}})
	}
	said, finish, err := talk(t.Context(), open(t, Config{}), req)
	if err != nil || strings.Join(said, "") != `The tools said: "0\"", "1\"".` || finish.Reason != llm.FinishStop {
		t.Errorf("%q, %+v, %v", said, finish, err)
	}
}
