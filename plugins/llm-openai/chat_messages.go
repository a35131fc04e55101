package openaillm

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
)

// chatMessages converts the messages of a conversation to those of chat completions. A result of a tool
// becomes a message of its own. Its media follow in a message of the user, because a result has only
// texts. So do the media of a reply, because the API takes media of the user only.
func (m *Model) chatMessages(req *llm.Request) ([]openai.ChatCompletionMessageParamUnion, error) {
	c := &chatConverter{custom: customTools(req.Tools), maker: m.traits.Maker, keep: m.keepsReasoning()}
	for i := range req.Messages {
		if err := c.message(&req.Messages[i], fault.Path{"messages", fault.Index(i)}); err != nil {
			return nil, err
		}
	}
	c.flushMedia()
	return c.out, nil
}

// chatConverter makes the messages of one request.
type chatConverter struct {
	out    []openai.ChatCompletionMessageParamUnion
	custom map[string]bool // the names of the tools that take a text
	maker  string
	keep   bool                                         // the model gets back its reasoning
	media  []openai.ChatCompletionContentPartUnionParam // of replies and of results of tools, for the next message of the user
}

// customTools returns the names of the tools that take a text.
func customTools(tools []llm.Tool) map[string]bool {
	out := map[string]bool{}
	for _, t := range tools {
		if t.Arguments == llm.ArgumentsText {
			out[t.Name] = true
		}
	}
	return out
}

// message converts a message whose path in the request is path.
func (c *chatConverter) message(m *chat.Message, path fault.Path) error {
	switch m.Role {
	case chat.System:
		text, err := onlyText(m.Parts, path)
		if err != nil {
			return err
		}
		c.flushMedia()
		c.out = append(c.out, openai.SystemMessage(text))
	case chat.User, chat.Tool:
		return c.input(m, path)
	case chat.Assistant:
		c.flushMedia()
		return c.assistant(m, path)
	default:
		return fault.New(fault.Invalid, "unknown role %.40q", m.Role).At(append(path, "role")...)
	}
	return nil
}

// input converts a message of the user, or a message with tool results.
func (c *chatConverter) input(m *chat.Message, path fault.Path) error {
	var content []openai.ChatCompletionContentPartUnionParam
	for i := range m.Parts {
		p, at := &m.Parts[i], append(path, "parts", fault.Index(i))
		if p.ToolResult != nil {
			if err := c.result(p.ToolResult, at); err != nil {
				return err
			}
			continue
		}
		one, err := chatContent(p, at)
		if err != nil {
			return err
		}
		content = append(content, one)
	}
	if len(content) == 0 && len(m.Parts) > 0 {
		return nil
	}
	c.flushMedia()
	c.out = append(c.out, userMessage(content))
	return nil
}

// userMessage returns a user message with the content. A single text has the simple form, which all
// servers take.
func userMessage(content []openai.ChatCompletionContentPartUnionParam) openai.ChatCompletionMessageParamUnion {
	switch {
	case len(content) == 0:
		return openai.UserMessage("")
	case len(content) == 1 && content[0].OfText != nil:
		return openai.UserMessage(content[0].OfText.Text)
	}
	return openai.UserMessage(content)
}

// flushMedia adds the media of replies and of results of tools as a message of the user.
func (c *chatConverter) flushMedia() {
	if len(c.media) > 0 {
		c.out = append(c.out, openai.UserMessage(c.media))
		c.media = nil
	}
}

// result adds a message with a tool result. It keeps the media of the result for flushMedia.
func (c *chatConverter) result(r *chat.ToolResult, path fault.Path) error {
	var text strings.Builder
	for i := range r.Parts {
		p, at := &r.Parts[i], append(path, "tool_result", "parts", fault.Index(i))
		if p.Media == nil {
			if p.Kind() != chat.KindText {
				return notTaken(p, at)
			}
			text.WriteString(p.Text)
			continue
		}
		one, err := chatContent(p, at)
		if err != nil {
			return err
		}
		if text.Len() == 0 {
			text.WriteString("The result is in the next message of the user.")
		}
		c.media = append(c.media, openai.TextContentPart("Of the result of the call "+r.ToolCallID+":"), one)
	}
	c.out = append(c.out, openai.ToolMessage(resultText(r, text.String()), r.ToolCallID))
	return nil
}

// resultText returns the text of a tool result that the model reads. It is text, or the structured form
// of a result without parts. The text of a failed result begins with "error".
func resultText(r *chat.ToolResult, text string) string {
	if len(r.Parts) == 0 {
		text = string(r.Structured)
	}
	if r.IsError && !strings.HasPrefix(strings.ToLower(text), "error") {
		text = "error: " + text
	}
	return text
}

// assistant converts a message of the model.
func (c *chatConverter) assistant(m *chat.Message, path fault.Path) error {
	var out openai.ChatCompletionAssistantMessageParam
	var text, refusal strings.Builder
	extra := map[string]any{}
	for i := range m.Parts {
		p, at := &m.Parts[i], append(path, "parts", fault.Index(i))
		switch p.Kind() {
		case chat.KindText:
			text.WriteString(p.Text)
		case chat.KindRefusal:
			refusal.WriteString(p.Refusal.Text)
		case chat.KindReasoning:
			if err := c.reasoning(p, extra, at); err != nil {
				return err
			}
		case chat.KindToolCall:
			out.ToolCalls = append(out.ToolCalls, c.call(p))
		case chat.KindMedia:
			one, err := chatContent(p, at)
			if err != nil {
				return err
			}
			if len(c.media) == 0 {
				c.media = append(c.media, openai.TextContentPart(replyMedia))
			}
			c.media = append(c.media, one)
		default:
			return notTaken(p, at)
		}
	}
	switch {
	case text.Len() > 0:
		out.Content.OfString = param.NewOpt(text.String())
	case len(out.ToolCalls) > 0 || refusal.Len() > 0:
		out.Content.OfString = param.Null[string]()
	default:
		out.Content.OfString = param.NewOpt("")
	}
	out.Refusal = optText(refusal.String())
	if len(extra) > 0 {
		out.SetExtraFields(extra)
	}
	c.out = append(c.out, openai.ChatCompletionMessageParamUnion{OfAssistant: &out})
	return nil
}

// reasoning adds reasoning to extra, the fields of a message in which the server takes its reasoning
// back. It returns fault.Unsupported for reasoning of another maker.
func (c *chatConverter) reasoning(p *chat.Part, extra map[string]any, path fault.Path) error {
	var state chatState
	if p.State == nil || p.State.Maker != c.maker || json.Unmarshal(p.State.Data, &state) != nil {
		return fault.New(fault.Unsupported, "is reasoning that the model did not make").At(path...)
	}
	if !c.keep {
		return nil
	}
	if state.Field != "" {
		before, _ := extra[state.Field].(string)
		extra[state.Field] = before + p.Reasoning.Text
	}
	if len(state.Details) > 0 {
		extra["reasoning_details"] = state.Details
	}
	return nil
}

// call converts a tool call.
func (c *chatConverter) call(p *chat.Part) openai.ChatCompletionMessageToolCallUnionParam {
	t := p.ToolCall
	if c.custom[t.Name] {
		return openai.ChatCompletionMessageToolCallUnionParam{OfCustom: &openai.ChatCompletionMessageCustomToolCallParam{
			ID: t.ID, Custom: openai.ChatCompletionMessageCustomToolCallCustomParam{Name: t.Name, Input: t.Arguments},
		}}
	}
	call := &openai.ChatCompletionMessageFunctionToolCallParam{
		ID: t.ID, Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: t.Name, Arguments: argumentsOf(t)},
	}
	var state chatState
	if p.State != nil && p.State.Maker == c.maker && json.Unmarshal(p.State.Data, &state) == nil && len(state.Extra) > 0 {
		call.SetExtraFields(map[string]any{"extra_content": state.Extra})
	}
	return openai.ChatCompletionMessageToolCallUnionParam{OfFunction: call}
}

// argumentsOf returns the arguments of a call, or {} if they are blank, because servers refuse empty
// arguments.
func argumentsOf(t *chat.ToolCall) string {
	if strings.TrimSpace(t.Arguments) == "" {
		return "{}"
	}
	return t.Arguments
}

// onlyText returns the joined texts of the parts. A part of another kind is fault.Unsupported with its
// path.
func onlyText(parts []chat.Part, path fault.Path) (string, error) {
	var b strings.Builder
	for i := range parts {
		if parts[i].Kind() != chat.KindText {
			return "", notTaken(&parts[i], append(path, "parts", fault.Index(i)))
		}
		b.WriteString(parts[i].Text)
	}
	return b.String(), nil
}

// notTaken returns fault.Unsupported for a part that the API does not take at this place.
func notTaken(p *chat.Part, path fault.Path) *fault.Error {
	return fault.New(fault.Unsupported, "is of the kind %q, which the API does not take here", p.Kind()).At(path...)
}
