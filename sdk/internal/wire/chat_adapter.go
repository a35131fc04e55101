package wire

import (
	"time"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var rolesTo = map[chat.Role]chatv1.Role{
	chat.System: chatv1.Role_ROLE_SYSTEM, chat.User: chatv1.Role_ROLE_USER,
	chat.Assistant: chatv1.Role_ROLE_ASSISTANT, chat.Tool: chatv1.Role_ROLE_TOOL,
}

func roleFrom(r chatv1.Role) chat.Role {
	switch r {
	case chatv1.Role_ROLE_SYSTEM:
		return chat.System
	case chatv1.Role_ROLE_USER:
		return chat.User
	case chatv1.Role_ROLE_ASSISTANT:
		return chat.Assistant
	case chatv1.Role_ROLE_TOOL:
		return chat.Tool
	}
	return ""
}

// Message returns a message in the protocol's form.
func Message(m chat.Message) *chatv1.Message {
	return &chatv1.Message{Role: rolesTo[m.Role], Parts: parts(m.Parts)}
}

// textMessage holds the four objects of a protocol message with one text part. Most messages have
// one text part. An array of textMessage takes one allocation instead of four for each message.
type textMessage struct {
	message chatv1.Message
	part    chatv1.Part
	text    chatv1.Part_Text
	parts   [1]*chatv1.Part
}

// Messages returns messages in the protocol's form. It returns nil for an empty list.
func Messages(ms []chat.Message) []*chatv1.Message {
	if len(ms) == 0 {
		return nil
	}
	out := make([]*chatv1.Message, len(ms))
	block := make([]textMessage, len(ms))
	for i, m := range ms {
		if len(m.Parts) != 1 || !isText(m.Parts[0]) {
			out[i] = Message(m)
			continue
		}
		t := &block[i]
		t.text.Text = m.Parts[0].Text
		t.part.Part = &t.text
		t.parts[0] = &t.part
		t.message.Role, t.message.Parts = rolesTo[m.Role], t.parts[:]
		out[i] = &t.message
	}
	return out
}

func isText(p chat.Part) bool {
	return p.Image == nil && p.Reasoning == nil && p.ToolCall == nil && p.ToolResult == nil
}

func parts(ps []chat.Part) []*chatv1.Part {
	out := make([]*chatv1.Part, len(ps))
	for i, p := range ps {
		switch {
		case p.Image != nil:
			out[i] = &chatv1.Part{Part: &chatv1.Part_Image{Image: &chatv1.Image{
				MediaType: p.Image.MediaType, Data: p.Image.Data, Url: p.Image.URL}}}
		case p.Reasoning != nil:
			out[i] = &chatv1.Part{Part: &chatv1.Part_Reasoning{Reasoning: &chatv1.Reasoning{
				Text: p.Reasoning.Text, Signature: p.Reasoning.Signature}}}
		case p.ToolCall != nil:
			out[i] = &chatv1.Part{Part: &chatv1.Part_ToolCall{ToolCall: ToolCall(*p.ToolCall)}}
		case p.ToolResult != nil:
			out[i] = &chatv1.Part{Part: &chatv1.Part_ToolResult{ToolResult: &chatv1.ToolResult{
				ToolCallId: p.ToolResult.ToolCallID, Name: p.ToolResult.Name,
				Parts: parts(p.ToolResult.Parts), IsError: p.ToolResult.IsError}}}
		default:
			out[i] = &chatv1.Part{Part: &chatv1.Part_Text{Text: p.Text}}
		}
	}
	return out
}

// ToolCall returns a tool call in the protocol's form.
func ToolCall(c chat.ToolCall) *chatv1.ToolCall {
	return &chatv1.ToolCall{Id: c.ID, Name: c.Name, Arguments: c.Arguments}
}

// ToolCallFrom returns the tool call of a protocol message.
func ToolCallFrom(c *chatv1.ToolCall) chat.ToolCall {
	return chat.ToolCall{ID: c.GetId(), Name: c.GetName(), Arguments: c.GetArguments()}
}

// MessageFrom returns the message of a protocol message. It leaves out parts whose kind this
// version does not know.
func MessageFrom(m *chatv1.Message) chat.Message {
	return chat.Message{Role: roleFrom(m.GetRole()), Parts: partsFrom(m.GetParts())}
}

// MessagesFrom returns the messages of a list of protocol messages. It leaves out parts whose kind
// this version does not know.
func MessagesFrom(ms []*chatv1.Message) []chat.Message {
	if len(ms) == 0 {
		return nil
	}
	out := make([]chat.Message, len(ms))
	block := make([]chat.Part, len(ms)) // one allocation for all messages with one part
	for i, m := range ms {
		if ps := m.GetParts(); len(ps) == 1 {
			if t, ok := ps[0].GetPart().(*chatv1.Part_Text); ok {
				block[i].Text = t.Text
				out[i] = chat.Message{Role: roleFrom(m.GetRole()), Parts: block[i : i+1 : i+1]}
				continue
			}
		}
		out[i] = MessageFrom(m)
	}
	return out
}

func partsFrom(ps []*chatv1.Part) []chat.Part {
	out := make([]chat.Part, 0, len(ps))
	for _, p := range ps {
		switch p := p.GetPart().(type) {
		case *chatv1.Part_Text:
			out = append(out, chat.Part{Text: p.Text})
		case *chatv1.Part_Image:
			out = append(out, chat.Part{Image: &chat.Image{
				MediaType: p.Image.GetMediaType(), Data: p.Image.GetData(), URL: p.Image.GetUrl()}})
		case *chatv1.Part_Reasoning:
			out = append(out, chat.Part{Reasoning: &chat.Reasoning{
				Text: p.Reasoning.GetText(), Signature: p.Reasoning.GetSignature()}})
		case *chatv1.Part_ToolCall:
			c := ToolCallFrom(p.ToolCall)
			out = append(out, chat.Part{ToolCall: &c})
		case *chatv1.Part_ToolResult:
			out = append(out, chat.Part{ToolResult: &chat.ToolResult{
				ToolCallID: p.ToolResult.GetToolCallId(), Name: p.ToolResult.GetName(),
				Parts: partsFrom(p.ToolResult.GetParts()), IsError: p.ToolResult.GetIsError()}})
		}
	}
	return out
}

// Usage returns token counts in the protocol's form.
func Usage(u chat.Usage) *chatv1.Usage {
	return &chatv1.Usage{InputTokens: u.InputTokens, OutputTokens: u.OutputTokens,
		CachedInputTokens: u.CachedInputTokens, ReasoningTokens: u.ReasoningTokens}
}

// UsageFrom returns the token counts of a protocol message.
func UsageFrom(u *chatv1.Usage) chat.Usage {
	return chat.Usage{InputTokens: u.GetInputTokens(), OutputTokens: u.GetOutputTokens(),
		CachedInputTokens: u.GetCachedInputTokens(), ReasoningTokens: u.GetReasoningTokens()}
}

// Time returns a time in the protocol's form. It returns nil for the zero time.
func Time(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// TimeFrom returns the time of a protocol timestamp. It returns the zero time for nil.
func TimeFrom(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
