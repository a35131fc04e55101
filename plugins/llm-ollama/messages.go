package ollama

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// replyImages stands before the images of a reply, in the next message of the user.
const replyImages = "[Your message before had this:]"

// messages converts the messages of a conversation to Ollama's form. A tool result becomes a message of
// its own, because Ollama has no other place for a tool result. The images of a reply, which another model
// made, follow in a message of the user, because models that see images see those of the user.
func messages(in []chat.Message) ([]api.Message, error) {
	out := make([]api.Message, 0, len(in))
	var made []api.ImageData // images of a reply, for the next message of the user
	show := func() {
		if len(made) > 0 {
			out = append(out, api.Message{Role: string(chat.User), Content: replyImages, Images: made})
			made = nil
		}
	}
	toolNames := map[string]string{} // tool names by the ids of their calls
	for i, m := range in {
		switch m.Role {
		case chat.System, chat.User, chat.Assistant, chat.Tool:
		default:
			return nil, fault.New(fault.Invalid, "unknown role %q", m.Role).At("messages", fault.Index(i), "role")
		}
		main := api.Message{Role: string(m.Role)}
		results := 0
		for j, p := range m.Parts {
			path := fault.Path{"messages", fault.Index(i), "parts", fault.Index(j)}
			if p.ToolResult != nil {
				result, err := toolResult(p.ToolResult, toolNames, path)
				if err != nil {
					return nil, err
				}
				out = append(out, result)
				results++
				continue
			}
			if p.ToolCall != nil {
				toolNames[p.ToolCall.ID] = p.ToolCall.Name
			}
			if err := addPart(&main, p, path); err != nil {
				return nil, err
			}
		}
		if m.Role == chat.Assistant {
			show()
			made, main.Images = main.Images, nil
		}
		if results == 0 || main.Content != "" || len(main.Images) > 0 || main.Thinking != "" || len(main.ToolCalls) > 0 {
			if m.Role != chat.Tool && m.Role != chat.Assistant {
				show()
			}
			out = append(out, main)
		}
	}
	show()
	return out, nil
}

func addPart(to *api.Message, p chat.Part, path fault.Path) error {
	switch {
	case p.Media != nil:
		to.Images = append(to.Images, p.Media.Data)
	case p.Reasoning != nil:
		to.Thinking += p.Reasoning.Text
	case p.ToolCall != nil:
		call := api.ToolCall{ID: p.ToolCall.ID, Function: api.ToolCallFunction{Index: len(to.ToolCalls), Name: p.ToolCall.Name}}
		if p.ToolCall.Arguments != "" {
			call.Function.Arguments = argumentsOf(p.ToolCall.Arguments)
		}
		to.ToolCalls = append(to.ToolCalls, call)
	case p.Refusal != nil:
		to.Content += p.Refusal.Text
	case p.Kind() == chat.KindText:
		to.Content += p.Text
	default:
		return fault.New(fault.Unsupported, "is of the kind %q, which Ollama does not take", p.Kind()).At(path...)
	}
	return nil
}

// argumentsOf returns the arguments of an earlier call. Ollama takes a JSON object only. What is none, such
// as the arguments of another provider's call that was cut, stands in one as a text.
func argumentsOf(text string) api.ToolCallFunctionArguments {
	var object api.ToolCallFunctionArguments
	if json.Unmarshal([]byte(text), &object) == nil {
		return object
	}
	object = api.NewToolCallFunctionArguments()
	object.Set("INVALID_JSON", text)
	return object
}

func toolResult(r *chat.ToolResult, names map[string]string, path fault.Path) (api.Message, error) {
	m := api.Message{Role: string(chat.Tool), ToolName: r.Name, ToolCallID: r.ToolCallID}
	if m.ToolName == "" {
		m.ToolName = names[r.ToolCallID]
	}
	for i, p := range r.Parts {
		at := fault.Path{"tool_result", "parts", fault.Index(i)}.Below(path...)
		if p.ToolCall != nil || p.ToolResult != nil || p.Reasoning != nil {
			return m, fault.New(fault.Unsupported, "a tool's result is text and images").At(at...)
		}
		if err := addPart(&m, p, at); err != nil {
			return m, err
		}
	}
	if r.IsError && !strings.HasPrefix(strings.ToLower(m.Content), "error") {
		m.Content = "error: " + m.Content
	}
	return m, nil
}
