package api

import (
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// newChatMessage is a message of a chat request. Either Content or Parts is set. ToolCallID and IsError
// are of messages of the role tool.
type newChatMessage struct {
	Role       chat.Role     `json:"role"`
	Content    *string       `json:"content"`
	Parts      []newChatPart `json:"parts"`
	ToolCallID *string       `json:"tool_call_id"`
	IsError    bool          `json:"is_error"`
}

// newChatPart is a part of a new message. Either Text or Media is set.
type newChatPart struct {
	Text  *string       `json:"text"`
	Media *newChatMedia `json:"media"`
}

// newChatMedia has the bytes of an image or a file in base64, or its address.
type newChatMedia struct {
	Kind      string `json:"kind"`
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
	URL       string `json:"url"`
	Name      string `json:"name"`
}

// newTool is a tool of a chat request, which the client runs.
type newTool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parameters  object `json:"parameters"`
}

// decodeNested decodes the value of a field of a request. It refuses unknown names. The error has
// the path of what is wrong within the value.
func decodeNested(name string, value jsontext.Value, target any) error {
	if len(value) == 0 {
		return nil
	}
	err := json.Unmarshal(value, target, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	path := fault.Path{name}
	if e, ok := asSemantic(err); ok {
		for token := range e.JSONPointer.Tokens() {
			path = append(path, token)
		}
	}
	return wrongTypeAt(path, err)
}

// decodeMessages returns the messages of a chat request.
func decodeMessages(value jsontext.Value) ([]chat.Message, error) {
	var list []newChatMessage
	if err := decodeNested("messages", value, &list); err != nil {
		return nil, err
	}
	if len(value) > 0 && len(list) == 0 {
		return nil, malformed("messages", "is empty; leave it out if there is none")
	}
	out := make([]chat.Message, len(list))
	for i := range list {
		m, err := list[i].message(fault.Path{"messages", fault.Index(i)})
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

func (m *newChatMessage) message(path fault.Path) (chat.Message, error) {
	at := func(key string) fault.Path { return append(path[:len(path):len(path)], key) }
	isTool := m.Role == chat.Tool
	switch {
	case m.Role == "":
		return chat.Message{}, malformedAt(at("role"), "is missing; expected user or tool")
	case (m.Content != nil) == (m.Parts != nil):
		return chat.Message{}, malformedAt(path, "has either content or parts; expected one of both")
	case !isTool && m.ToolCallID != nil:
		return chat.Message{}, malformedAt(at("tool_call_id"), "is of messages of the role tool")
	case !isTool && m.IsError:
		return chat.Message{}, malformedAt(at("is_error"), "is of messages of the role tool")
	case isTool && m.ToolCallID == nil:
		return chat.Message{}, malformedAt(at("tool_call_id"), "is missing; expected the id of the call that the message has the result of")
	}
	parts, err := m.parts(path)
	if err != nil {
		return chat.Message{}, err
	}
	if isTool {
		parts = []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: *m.ToolCallID, Parts: parts, IsError: m.IsError}}}
	}
	return chat.Message{Role: m.Role, Parts: parts}, nil
}

func (m *newChatMessage) parts(path fault.Path) ([]chat.Part, error) {
	if m.Content != nil {
		return []chat.Part{{Text: *m.Content}}, nil
	}
	parts := make([]chat.Part, len(m.Parts))
	for i, p := range m.Parts {
		switch {
		case (p.Text != nil) == (p.Media != nil):
			return nil, malformedAt(append(path, "parts", fault.Index(i)), "has either text or media; expected one of both")
		case p.Text != nil:
			parts[i].Text = *p.Text
		default:
			parts[i].Media = &chat.Media{Kind: p.Media.Kind, MediaType: p.Media.MediaType, Data: p.Media.Data, URL: p.Media.URL, Name: p.Media.Name}
		}
	}
	return parts, nil
}

// noParameters is the JSON Schema of a tool that takes no arguments.
const noParameters = `{"type":"object","properties":{}}`

// decodeTools returns the tools of a chat request.
func decodeTools(value jsontext.Value) ([]llm.Tool, error) {
	var list []*newTool
	if err := decodeNested("tools", value, &list); err != nil {
		return nil, err
	}
	if i := slices.Index(list, nil); i >= 0 {
		return nil, malformed("tools", "has null at place %d; expected a tool", i)
	}
	if len(value) > 0 && len(list) == 0 {
		return nil, malformed("tools", "is empty; leave it out if there is none")
	}
	var out []llm.Tool
	for _, t := range list {
		if len(t.Parameters) == 0 {
			t.Parameters = object(noParameters)
		}
		out = append(out, llm.Tool{Name: t.Name, Description: t.Description, Parameters: []byte(t.Parameters)})
	}
	return out, nil
}

var toolModes = map[string]llm.ToolMode{"auto": llm.ToolAuto, "none": llm.ToolNone, "required": llm.ToolRequired}

// decodeToolChoice returns the tool choice of a chat request: auto, none, required, or an object with
// the name of a tool.
func decodeToolChoice(value jsontext.Value) (choice llm.ToolChoice, err error) {
	if len(value) == 0 {
		return choice, nil
	}
	if value.Kind() == jsontext.KindBeginObject {
		var named struct {
			Name string `json:"name"`
		}
		if err := decodeNested("tool_choice", value, &named); err != nil {
			return choice, err
		}
		return llm.ToolChoice{Mode: llm.ToolNamed, Name: named.Name}, nil
	}
	var word string
	if err := decodeNested("tool_choice", value, &word); err != nil {
		return choice, err
	}
	mode, known := toolModes[word]
	if !known {
		return choice, malformed("tool_choice", "is %q; expected %s, or an object with the name of a tool", clip(word), strings.Join([]string{"auto", "none", "required"}, ", "))
	}
	return llm.ToolChoice{Mode: mode}, nil
}
