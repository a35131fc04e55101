package wire

import (
	"time"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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

// Message converts a message to the protocol. The result shares the bytes of m.
func Message(m chat.Message) *chatv1.Message {
	out := &chatv1.Message{Role: rolesTo[m.Role], Parts: parts(m.Parts)}
	setUnknown(out, m.Unknown)
	return out
}

// textMessage has the memory for one plain message: a message with one text part and nothing else. A
// list of textMessages is one allocation, instead of four for each message.
type textMessage struct {
	message chatv1.Message
	part    chatv1.Part
	text    chatv1.Part_Text
	parts   [1]*chatv1.Part
}

// Messages converts messages to the protocol. It returns nil for an empty list. It allocates all plain
// messages together.
func Messages(ms []chat.Message) []*chatv1.Message {
	if len(ms) == 0 {
		return nil
	}
	out := make([]*chatv1.Message, len(ms))
	block := make([]textMessage, len(ms))
	for i, m := range ms {
		if len(m.Parts) != 1 || !isPlainText(&m.Parts[0]) || len(m.Unknown) > 0 {
			out[i] = Message(m)
			continue
		}
		out[i] = block[i].fill(rolesTo[m.Role], m.Parts[0].Text)
	}
	return out
}

// isPlainText reports whether the part has a text and nothing else.
func isPlainText(p *chat.Part) bool {
	return p.Kind() == chat.KindText && p.State == nil && len(p.Citations) == 0 && len(p.Unknown) == 0
}

func parts(ps []chat.Part) []*chatv1.Part {
	if len(ps) == 0 {
		return nil
	}
	out := make([]*chatv1.Part, len(ps))
	for i := range ps {
		out[i] = Part(&ps[i])
	}
	return out
}

// Part converts a part to the protocol. The result shares the bytes of p.
func Part(p *chat.Part) *chatv1.Part {
	out := &chatv1.Part{}
	switch p.Kind() {
	case chat.KindText:
		out.Part = &chatv1.Part_Text{Text: p.Text}
	case chat.KindMedia:
		out.Part = &chatv1.Part_Media{Media: media(p.Media)}
	case chat.KindReasoning:
		r := &chatv1.Reasoning{Text: p.Reasoning.Text}
		setUnknown(r, p.Reasoning.Unknown)
		out.Part = &chatv1.Part_Reasoning{Reasoning: r}
	case chat.KindToolCall:
		out.Part = &chatv1.Part_ToolCall{ToolCall: toolCall(p.ToolCall)}
	case chat.KindToolResult:
		r := &chatv1.ToolResult{
			ToolCallId: p.ToolResult.ToolCallID, Name: p.ToolResult.Name, Parts: parts(p.ToolResult.Parts),
			IsError: p.ToolResult.IsError, Structured: p.ToolResult.Structured,
		}
		setUnknown(r, p.ToolResult.Unknown)
		out.Part = &chatv1.Part_ToolResult{ToolResult: r}
	case chat.KindRefusal:
		r := &chatv1.Refusal{Text: p.Refusal.Text}
		setUnknown(r, p.Refusal.Unknown)
		out.Part = &chatv1.Part_Refusal{Refusal: r}
	case chat.KindOther:
		o := &chatv1.Other{Type: p.Other.Type, Data: p.Other.Data}
		setUnknown(o, p.Other.Unknown)
		out.Part = &chatv1.Part_Other{Other: o}
	}
	for i := range p.Citations {
		c := &p.Citations[i]
		to := &chatv1.Citation{
			Start: int32(c.Start), End: int32(c.End), Url: c.URL, Document: c.Document, Title: c.Title, Quote: c.Quote,
		}
		setUnknown(to, c.Unknown)
		out.Citations = append(out.Citations, to)
	}
	if s := p.State; s != nil {
		out.ProviderState = &chatv1.ProviderState{Maker: s.Maker, Data: s.Data}
		setUnknown(out.ProviderState, s.Unknown)
	}
	setUnknown(out, p.Unknown)
	return out
}

func media(m *chat.Media) *chatv1.Media {
	out := &chatv1.Media{Kind: m.Kind, MediaType: m.MediaType, Name: m.Name}
	switch {
	case m.URL != "":
		out.Source = &chatv1.Media_Url{Url: m.URL}
	case m.Reference != "":
		out.Source = &chatv1.Media_Reference{Reference: m.Reference}
	case len(m.Data) > 0:
		out.Source = &chatv1.Media_Data{Data: m.Data}
	}
	setUnknown(out, m.Unknown)
	return out
}

func toolCall(c *chat.ToolCall) *chatv1.ToolCall {
	out := &chatv1.ToolCall{Id: c.ID, Name: c.Name, Arguments: c.Arguments}
	setUnknown(out, c.Unknown)
	return out
}

// setUnknown adds fields that this version of the protocol does not know to a protocol message.
func setUnknown(m proto.Message, unknown chat.Unknown) {
	if len(unknown) > 0 {
		m.ProtoReflect().SetUnknown(protoreflect.RawFields(unknown))
	}
}

// unknownOf returns the fields of a message that this version does not know, or nil.
func unknownOf(m proto.Message) chat.Unknown {
	if unknown := m.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		return chat.Unknown(unknown)
	}
	return nil
}

// MessageFrom converts a message from the protocol. The result shares the bytes of m.
func MessageFrom(m *chatv1.Message) chat.Message {
	return chat.Message{Role: roleFrom(m.GetRole()), Parts: partsFrom(m.GetParts()), Unknown: unknownOf(m)}
}

// MessagesFrom converts messages from the protocol. It keeps parts whose kind this version does not
// know, as parts of chat.KindUnknown. It returns nil for an empty list.
func MessagesFrom(ms []*chatv1.Message) []chat.Message {
	if len(ms) == 0 {
		return nil
	}
	out := make([]chat.Message, len(ms))
	block := make([]chat.Part, len(ms)) // parts of the messages that have one, in one allocation
	for i, m := range ms {
		if ps := m.GetParts(); len(ps) == 1 {
			block[i] = PartFrom(ps[0])
			out[i] = chat.Message{Role: roleFrom(m.GetRole()), Parts: block[i : i+1 : i+1], Unknown: unknownOf(m)}
			continue
		}
		out[i] = MessageFrom(m)
	}
	return out
}

func partsFrom(ps []*chatv1.Part) []chat.Part {
	out := make([]chat.Part, len(ps))
	for i, p := range ps {
		out[i] = PartFrom(p)
	}
	return out
}

// PartFrom converts a part from the protocol. The result shares the bytes of p. A part whose kind this
// version does not know is of chat.KindUnknown.
func PartFrom(p *chatv1.Part) chat.Part {
	out := chat.Part{Unknown: unknownOf(p)}
	switch part := p.GetPart().(type) {
	case *chatv1.Part_Text:
		out.Text = part.Text
	case *chatv1.Part_Media:
		out.Media = mediaFrom(part.Media)
	case *chatv1.Part_Reasoning:
		out.Reasoning = &chat.Reasoning{Text: part.Reasoning.GetText(), Unknown: unknownOf(part.Reasoning)}
	case *chatv1.Part_ToolCall:
		c := part.ToolCall
		out.ToolCall = &chat.ToolCall{ID: c.GetId(), Name: c.GetName(), Arguments: c.GetArguments(), Unknown: unknownOf(c)}
	case *chatv1.Part_ToolResult:
		r := part.ToolResult
		out.ToolResult = &chat.ToolResult{
			ToolCallID: r.GetToolCallId(), Name: r.GetName(), Parts: partsFrom(r.GetParts()), IsError: r.GetIsError(),
			Structured: r.GetStructured(), Unknown: unknownOf(r),
		}
	case *chatv1.Part_Refusal:
		out.Refusal = &chat.Refusal{Text: part.Refusal.GetText(), Unknown: unknownOf(part.Refusal)}
	case *chatv1.Part_Other:
		out.Other = &chat.Other{Type: part.Other.GetType(), Data: part.Other.GetData(), Unknown: unknownOf(part.Other)}
	}
	for _, c := range p.GetCitations() {
		out.Citations = append(out.Citations, chat.Citation{
			Start: int(c.GetStart()), End: int(c.GetEnd()), URL: c.GetUrl(), Document: c.GetDocument(), Title: c.GetTitle(),
			Quote: c.GetQuote(), Unknown: unknownOf(c),
		})
	}
	if s := p.GetProviderState(); s != nil {
		out.State = &chat.ProviderState{Maker: s.GetMaker(), Data: s.GetData(), Unknown: unknownOf(s)}
	}
	return out
}

func mediaFrom(m *chatv1.Media) *chat.Media {
	return &chat.Media{
		Kind: m.GetKind(), MediaType: m.GetMediaType(), Data: m.GetData(), URL: m.GetUrl(), Reference: m.GetReference(),
		Name: m.GetName(), Unknown: unknownOf(m),
	}
}

// Usage converts token usage to the protocol. It leaves out details beyond the bounds.
func Usage(u chat.Usage) *chatv1.Usage {
	u = u.Bounded()
	return &chatv1.Usage{
		InputTokens: u.InputTokens, OutputTokens: u.OutputTokens, CachedInputTokens: u.CachedInputTokens,
		ReasoningTokens: u.ReasoningTokens, CacheWriteTokens: u.CacheWriteTokens, Details: u.Details,
	}
}

// UsageFrom converts token usage from the protocol. It leaves out details beyond the bounds.
func UsageFrom(u *chatv1.Usage) chat.Usage {
	return chat.Usage{
		InputTokens: u.GetInputTokens(), OutputTokens: u.GetOutputTokens(), CachedInputTokens: u.GetCachedInputTokens(),
		ReasoningTokens: u.GetReasoningTokens(), CacheWriteTokens: u.GetCacheWriteTokens(), Details: u.GetDetails(),
	}.Bounded()
}

// Time converts a time to the protocol. It returns nil for the zero time.
func Time(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// TimeFrom converts a time from the protocol. It returns the zero time for nil.
func TimeFrom(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
