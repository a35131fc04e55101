package openaillm

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
)

// responsesInput converts the messages of a conversation to the items of the Responses API, in their
// order. An item that the plugin got as a whole goes back unchanged. Without keep, reasoning is left out.
// Media of a reply follow in a message of the user, because the API takes them of the user only.
func (m *Model) responsesInput(req *llm.Request, keep bool) (responses.ResponseInputParam, error) {
	c := &itemConverter{custom: customTools(req.Tools), maker: m.traits.Maker, keep: keep, textCalls: map[string]bool{}}
	for i := range req.Messages {
		if err := c.message(&req.Messages[i], fault.Path{"messages", fault.Index(i)}); err != nil {
			return nil, err
		}
	}
	c.flushMedia()
	return c.out, nil
}

// itemConverter makes the items of one request.
type itemConverter struct {
	out       responses.ResponseInputParam
	custom    map[string]bool // the names of the tools that take a text
	textCalls map[string]bool // the ids of calls whose arguments are a text
	maker     string
	keep      bool                                           // the model gets back its reasoning
	media     responses.ResponseInputMessageContentListParam // of replies, for the next message of the user
}

func (c *itemConverter) add(item responses.ResponseInputItemUnionParam) { c.out = append(c.out, item) }

// addContent adds a message of the user.
func (c *itemConverter) addContent(content responses.ResponseInputMessageContentListParam) {
	message := &responses.EasyInputMessageParam{Role: responses.EasyInputMessageRoleUser}
	message.Content.OfInputItemContentList = content
	c.add(responses.ResponseInputItemUnionParam{OfMessage: message})
}

// flushMedia adds the media of replies as a message of the user.
func (c *itemConverter) flushMedia() {
	if len(c.media) > 0 {
		c.addContent(c.media)
		c.media = nil
	}
}

// addText adds a message of a single text.
func (c *itemConverter) addText(role responses.EasyInputMessageRole, text, phase string) {
	message := &responses.EasyInputMessageParam{Role: role, Phase: responses.EasyInputMessagePhase(phase)}
	message.Content.OfString = param.NewOpt(text)
	c.add(responses.ResponseInputItemUnionParam{OfMessage: message})
}

// message converts a message whose path in the request is path.
func (c *itemConverter) message(m *chat.Message, path fault.Path) error {
	switch m.Role {
	case chat.System:
		text, err := onlyText(m.Parts, path)
		if err != nil {
			return err
		}
		c.flushMedia()
		c.addText(responses.EasyInputMessageRoleSystem, text, "")
	case chat.User, chat.Tool:
		return c.input(m, path)
	case chat.Assistant:
		c.flushMedia()
		for i := range m.Parts {
			if err := c.output(&m.Parts[i], append(path, "parts", fault.Index(i))); err != nil {
				return err
			}
		}
	default:
		return fault.New(fault.Invalid, "unknown role %.40q", m.Role).At(append(path, "role")...)
	}
	return nil
}

// input converts a message of the user, or a message with tool results.
func (c *itemConverter) input(m *chat.Message, path fault.Path) error {
	var content responses.ResponseInputMessageContentListParam
	for i := range m.Parts {
		p, at := &m.Parts[i], append(path, "parts", fault.Index(i))
		if p.ToolResult != nil {
			if err := c.result(p.ToolResult, at); err != nil {
				return err
			}
			continue
		}
		one, err := responsesContent(p, at)
		if err != nil {
			return err
		}
		content = append(content, one)
	}
	if len(content) == 0 && len(m.Parts) > 0 {
		return nil // only results, which follow their calls at once
	}
	c.flushMedia()
	switch {
	case len(content) == 0:
		c.addText(responses.EasyInputMessageRoleUser, "", "")
	case len(content) == 1 && content[0].OfInputText != nil:
		c.addText(responses.EasyInputMessageRoleUser, content[0].OfInputText.Text, "")
	default:
		c.addContent(content)
	}
	return nil
}

// result converts a tool result, which may have texts, images and files.
func (c *itemConverter) result(r *chat.ToolResult, path fault.Path) error {
	var text strings.Builder
	var list responses.ResponseInputMessageContentListParam
	media := false
	for i := range r.Parts {
		p, at := &r.Parts[i], append(path, "tool_result", "parts", fault.Index(i))
		one, err := responsesContent(p, at)
		if err != nil {
			return err
		}
		list = append(list, one)
		media = media || p.Media != nil
		text.WriteString(p.Text)
	}
	plain := resultText(r, text.String())
	if media {
		if r.IsError {
			list = append(responses.ResponseInputMessageContentListParam{{OfInputText: &responses.ResponseInputTextParam{Text: "error:"}}}, list...)
		}
	}
	kind := "function_call_output"
	if c.textCalls[r.ToolCallID] {
		kind = "custom_tool_call_output"
	}
	if !media && kind == "function_call_output" {
		out := &responses.ResponseInputItemFunctionCallOutputParam{CallID: param.NewOpt(r.ToolCallID)}
		out.Output.OfString = param.NewOpt(plain)
		c.add(responses.ResponseInputItemUnionParam{OfFunctionCallOutput: out})
		return nil
	}
	// OpenAI's client has other Go types for the content of results. Their JSON is the same.
	item := map[string]any{"type": kind, "call_id": r.ToolCallID, "output": plain}
	if media {
		item["output"] = list
	}
	raw, err := json.Marshal(item)
	if err != nil {
		return fault.New(fault.Internal, "a result cannot be written: %w", err)
	}
	c.add(rawItem(raw))
	return nil
}

// rawItem returns an item whose JSON is raw.
func rawItem(raw []byte) responses.ResponseInputItemUnionParam {
	return param.Override[responses.ResponseInputItemUnionParam](json.RawMessage(raw))
}

// output converts a part of a message of the model.
func (c *itemConverter) output(p *chat.Part, path fault.Path) error {
	own := p.State != nil && p.State.Maker == c.maker
	var state itemState
	if own && json.Unmarshal(p.State.Data, &state) != nil {
		own = false
	}
	switch p.Kind() {
	case chat.KindText:
		if p.Text != "" {
			c.addText(responses.EasyInputMessageRoleAssistant, p.Text, state.Phase)
		}
	case chat.KindRefusal:
		c.add(responses.ResponseInputItemUnionParam{OfOutputMessage: &responses.ResponseOutputMessageParam{
			Content: []responses.ResponseOutputMessageContentUnionParam{
				{OfRefusal: &responses.ResponseOutputRefusalParam{Refusal: p.Refusal.Text}},
			},
		}})
	case chat.KindToolCall:
		c.call(p.ToolCall, state.Type == typeCustomCall)
	case chat.KindReasoning, chat.KindOther:
		if !own || len(state.Item) == 0 {
			return fault.New(fault.Unsupported, "is of the kind %q and was not made by the model", p.Kind()).At(path...)
		}
		if c.keep || p.Other != nil {
			c.add(rawItem(state.Item))
		}
	case chat.KindMedia:
		one, err := responsesContent(p, path)
		if err != nil {
			return err
		}
		if len(c.media) == 0 {
			c.media = append(c.media, responses.ResponseInputContentUnionParam{OfInputText: &responses.ResponseInputTextParam{Text: replyMedia}})
		}
		c.media = append(c.media, one)
	default:
		return notTaken(p, path)
	}
	return nil
}

// call converts a tool call. text says that the arguments were a text when the model made the call.
func (c *itemConverter) call(t *chat.ToolCall, text bool) {
	if text || c.custom[t.Name] {
		c.textCalls[t.ID] = true
		c.add(responses.ResponseInputItemUnionParam{OfCustomToolCall: &responses.ResponseCustomToolCallParam{
			CallID: t.ID, Name: t.Name, Input: t.Arguments,
		}})
		return
	}
	c.add(responses.ResponseInputItemUnionParam{OfFunctionCall: &responses.ResponseFunctionToolCallParam{
		CallID: t.ID, Name: t.Name, Arguments: argumentsOf(t),
	}})
}

// keepsReasoning reports whether requests send the model's reasoning of earlier turns back.
func (m *Model) keepsReasoning() bool {
	return m.Options.KeepReasoning == nil || *m.Options.KeepReasoning
}

// itemState is the data of a provider state of the Responses API, as JSON.
type itemState struct {
	Type string `json:"type,omitempty"` // the type of the item
	// Phase is the phase of a message: a comment on the work, or the answer.
	Phase string `json:"phase,omitempty"`
	// Item is the item as the next request has it.
	Item json.RawMessage `json:"item,omitempty"`
}
