package echo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// toolCalls returns the calls of tools that the request asks for: one for each line "Call NAME" of
// the last message, if it is the user's and the request has a tool of the name. What follows the
// name is the arguments, or {} if nothing does. The tool choices required and named call a tool in
// any case, and none calls none. If the request excludes parallel calls, toolCalls returns only the first one.
func toolCalls(req *llm.Request) []chat.Part {
	if len(req.Tools) == 0 || len(req.Messages) == 0 || req.ToolChoice.Mode == llm.ToolNone {
		return nil
	}
	last := req.Messages[len(req.Messages)-1]
	if last.Role != chat.User {
		return nil
	}
	var parts []chat.Part
	call := func(name, arguments string) {
		id := fmt.Sprintf("call_%d_%d", len(req.Messages), len(parts)+1)
		parts = append(parts, chat.Part{ToolCall: &chat.ToolCall{ID: id, Name: name, Arguments: arguments}})
	}
	for line := range strings.Lines(last.Text()) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, arguments, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if !strings.EqualFold(verb, "call") || !slices.ContainsFunc(req.Tools, func(t llm.Tool) bool { return t.Name == name }) {
			continue
		}
		if arguments = strings.TrimSpace(arguments); arguments == "" {
			arguments = "{}"
		}
		call(name, arguments)
	}
	switch {
	case req.ToolChoice.Mode == llm.ToolNamed:
		parts = slices.DeleteFunc(parts, func(p chat.Part) bool { return p.ToolCall.Name != req.ToolChoice.Name })
		if len(parts) == 0 {
			call(req.ToolChoice.Name, "{}")
		}
	case req.ToolChoice.Mode == llm.ToolRequired && len(parts) == 0:
		call(req.Tools[0].Name, "{}")
	}
	if single := req.ParallelToolCalls; single != nil && !*single && len(parts) > 1 {
		parts = parts[:1]
	}
	return parts
}

// results returns the reply to the results of tools that the messages end with, or "" if they end
// with another message.
func results(messages []chat.Message) string {
	var said []string
	for _, m := range slices.Backward(messages) {
		if m.Role != chat.Tool {
			break
		}
		for _, p := range m.Parts {
			if r := p.ToolResult; r != nil {
				text, _ := json.Marshal(chat.Message{Parts: r.Parts}.Text()) // a text always marshals
				if shown := describeMedia(r.Parts); shown != "" {
					text = append(text, " and showed "+shown...)
				}
				said = append(said, string(text))
			}
		}
	}
	if len(said) == 0 {
		return ""
	}
	slices.Reverse(said)
	return "The tools said: " + strings.Join(said, ", ") + "."
}
