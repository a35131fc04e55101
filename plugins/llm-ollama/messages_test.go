package ollama

import (
	"testing"

	"github.com/botyard/botyard/sdk/chat"
)

// TestMessages_otherModels checks that a conversation goes on after replies of other models: their images
// follow in a message of the user, after the results of the calls, and arguments that are no object are in
// one.
func TestMessages_otherModels(t *testing.T) {
	image := func(b byte) chat.Part {
		return chat.Part{Media: &chat.Media{Kind: chat.Image, Data: []byte{b, 0, 0}}}
	}
	call := func(arguments string) chat.Part {
		return chat.Part{ToolCall: &chat.ToolCall{ID: "c", Name: "f", Arguments: arguments}}
	}
	result := chat.Part{ToolResult: &chat.ToolResult{ToolCallID: "c", Parts: []chat.Part{{Text: "1"}}}}
	reply := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.Assistant, Parts: parts} }
	const shown, toolCall, toolAnswer = `{"role":"user","content":"[Your message before had this:]","images":`,
		`{"role":"assistant","content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{}}}]}`,
		`{"role":"tool","content":"1","tool_name":"f","tool_call_id":"c"}`
	for name, c := range map[string]struct {
		in   []chat.Message
		want string
	}{
		"before the user": {[]chat.Message{reply(chat.Part{Text: "x"}, image(1), image(2)), chat.Text(chat.User, "y")},
			`[{"role":"assistant","content":"x"},` + shown + `["AQAA","AgAA"]},{"role":"user","content":"y"}]`},
		"at the end": {[]chat.Message{reply(chat.Part{Text: "x"}, image(1))}, `[{"role":"assistant","content":"x"},` + shown + `["AQAA"]}]`},
		"with a call": {[]chat.Message{reply(image(1), call("{}")), {Role: chat.Tool, Parts: []chat.Part{result}}, reply(chat.Part{Text: "x"}, image(2)), chat.Text(chat.System, "s")},
			`[` + toolCall + `,` + toolAnswer + `,` + shown + `["AQAA"]},{"role":"assistant","content":"x"},` + shown + `["AgAA"]},{"role":"system","content":"s"}]`},
		"with a result of the user": {[]chat.Message{reply(image(1), call("")), {Role: chat.User, Parts: []chat.Part{{Text: "y"}, result}}},
			`[` + toolCall + `,` + toolAnswer + `,` + shown + `["AQAA"]},{"role":"user","content":"y"}]`},
		"cut arguments": {[]chat.Message{reply(call(`{"a":1,"b`))},
			`[{"role":"assistant","content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"INVALID_JSON":"{\"a\":1,\"b"}}}]}]`},
		"arguments in a list": {[]chat.Message{reply(call(`[1]`))},
			`[{"role":"assistant","content":"","tool_calls":[{"id":"c","function":{"index":0,"name":"f","arguments":{"INVALID_JSON":"[1]"}}}]}]`},
		"images of the user": {[]chat.Message{{Role: chat.User, Parts: []chat.Part{{Text: "x"}, image(1)}}}, `[{"role":"user","content":"x","images":["AQAA"]}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := messages(c.in)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, got, c.want)
		})
	}
}
