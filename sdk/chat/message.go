package chat

import "strings"

// Role says who wrote a message.
type Role string

const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Message is one entry of a conversation: a role and its parts, in order. Nobody changes the
// parts of a message after the message was handed over.
type Message struct {
	Role    Role    `json:"role"`
	Parts   []Part  `json:"parts"`
	Unknown Unknown `json:"unknown,omitempty"`
}

// Unknown holds the protocol's fields that this version does not know, in their encoded form.
// A host and its plugins keep them, so that a later version gets them back.
type Unknown []byte

// Part is one piece of a message. It has one kind: the pointer that is set among Media,
// Reasoning, ToolCall, ToolResult, Refusal and Other. If none of them is set, the part is text,
// possibly empty; see [Part.Kind] for a part of a later version's kind.
type Part struct {
	Text       string      `json:"text,omitempty"`
	Media      *Media      `json:"media,omitempty"`
	Reasoning  *Reasoning  `json:"reasoning,omitempty"`
	ToolCall   *ToolCall   `json:"tool_call,omitempty"`
	ToolResult *ToolResult `json:"tool_result,omitempty"`
	Refusal    *Refusal    `json:"refusal,omitempty"`
	Other      *Other      `json:"other,omitempty"`
	// Citations say where a text comes from.
	Citations []Citation `json:"citations,omitempty"`
	// State is what the provider that made the part wants back with it; nil for none.
	State   *ProviderState `json:"provider_state,omitempty"`
	Unknown Unknown        `json:"unknown,omitempty"`
}

// Kind names what a part is.
type Kind string

const (
	KindText       Kind = "text"
	KindMedia      Kind = "media"
	KindReasoning  Kind = "reasoning"
	KindToolCall   Kind = "tool_call"
	KindToolResult Kind = "tool_result"
	KindRefusal    Kind = "refusal"
	KindOther      Kind = "other"
	// KindUnknown is a kind that a later version of the protocol added.
	KindUnknown Kind = "unknown"
)

// Kind returns what the part is.
func (p *Part) Kind() Kind {
	switch {
	case p.Media != nil:
		return KindMedia
	case p.Reasoning != nil:
		return KindReasoning
	case p.ToolCall != nil:
		return KindToolCall
	case p.ToolResult != nil:
		return KindToolResult
	case p.Refusal != nil:
		return KindRefusal
	case p.Other != nil:
		return KindOther
	case p.Text == "" && len(p.Unknown) > 0:
		return KindUnknown
	}
	return KindText
}

// Kinds of Media.
const (
	Image = "image"
	Audio = "audio"
	Video = "video"
	File  = "file"
)

// Media is an image, a sound or another file. Exactly one of Data, URL and Reference is set.
type Media struct {
	Kind      string  `json:"kind"`                 // Image, Audio, Video or File
	MediaType string  `json:"media_type,omitempty"` // for example "image/png"; empty if unknown
	Data      []byte  `json:"data,omitempty"`
	URL       string  `json:"url,omitempty"`
	Reference string  `json:"reference,omitempty"` // the provider's id of a file that the provider keeps
	Name      string  `json:"name,omitempty"`      // the file's name
	Unknown   Unknown `json:"unknown,omitempty"`
}

// Reasoning is what a model thought before it went on. Text is empty if the provider does not
// show it; the part then has a State.
type Reasoning struct {
	Text    string  `json:"text"`
	Unknown Unknown `json:"unknown,omitempty"`
}

// ToolCall asks for a call of a tool. Arguments are as the model wrote them: JSON, unless the
// tool takes a plain text.
type ToolCall struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Arguments string  `json:"arguments"`
	Unknown   Unknown `json:"unknown,omitempty"`
}

// ToolResult is the result of a ToolCall.
type ToolResult struct {
	ToolCallID string  `json:"tool_call_id"`
	Name       string  `json:"name,omitempty"`
	Parts      []Part  `json:"parts"`
	IsError    bool    `json:"is_error,omitempty"`
	Structured []byte  `json:"structured,omitempty"` // the result as JSON text, or nil
	Unknown    Unknown `json:"unknown,omitempty"`
}

// Refusal is the text by which a model declines to reply.
type Refusal struct {
	Text    string  `json:"text"`
	Unknown Unknown `json:"unknown,omitempty"`
}

// Other is a part that only its provider understands.
type Other struct {
	Type    string  `json:"type"`
	Data    []byte  `json:"data,omitempty"`
	Unknown Unknown `json:"unknown,omitempty"`
}

// Citation says where the bytes Start to End of a text come from. If both are 0, it is about
// the whole text.
type Citation struct {
	Start    int     `json:"start,omitempty"`
	End      int     `json:"end,omitempty"`
	URL      string  `json:"url,omitempty"`
	Document string  `json:"document,omitempty"` // id of the document
	Title    string  `json:"title,omitempty"`
	Quote    string  `json:"quote,omitempty"`
	Unknown  Unknown `json:"unknown,omitempty"`
}

// ProviderState is opaque to all but its maker, which is the Maker of the traits of the
// instance that made it.
type ProviderState struct {
	Maker   string  `json:"maker"`
	Data    []byte  `json:"data"`
	Unknown Unknown `json:"unknown,omitempty"`
}

// Text returns a message of one text part.
func Text(role Role, text string) Message {
	return Message{Role: role, Parts: []Part{{Text: text}}}
}

// Text returns the message's text parts and refusals, joined. Other parts are left out.
func (m Message) Text() string {
	if len(m.Parts) == 1 {
		return m.Parts[0].plainText()
	}
	var b strings.Builder
	for i := range m.Parts {
		b.WriteString(m.Parts[i].plainText())
	}
	return b.String()
}

func (p *Part) plainText() string {
	if p.Refusal != nil {
		return p.Refusal.Text
	}
	return p.Text
}
