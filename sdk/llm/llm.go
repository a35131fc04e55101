package llm

import (
	"context"
	"encoding/json"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "llm"

// LLM generates replies. One value is one configured instance; it is called
// concurrently, for any number of tenants. If it implements io.Closer, Close is
// called once, after its last call ended.
type LLM interface {
	// Chat generates the reply to the last of req.Messages. It calls emit, from one
	// goroutine, for each piece as it comes; emit copies nothing and never blocks for
	// long, and an error from it ends the generation. Chat returns the finish only when
	// the provider said that the reply is complete. When ctx ends, Chat stops the
	// provider and returns promptly. Errors are of package fault; with an error, a
	// non-nil Finish tells the usage that was spent all the same.
	Chat(ctx context.Context, req *Request, emit func(Delta) error) (*Finish, error)
}

// Embedder is implemented by instances that can embed texts.
type Embedder interface {
	// Embed answers one vector for each text, in order, all of one length.
	Embed(ctx context.Context, req *EmbedRequest) (*Embeddings, error)
}

// Request is one generation.
type Request struct {
	Call            sdk.Call
	Messages        []chat.Message // system first, then the conversation
	Tools           []Tool
	ToolChoice      ToolChoice
	ResponseFormat  ResponseFormat
	MaxOutputTokens int  // 0: the instance's configuration decides
	Stream          bool // false: one delta with the whole reply is enough
}

// Tool is a function that the model may ask to have called.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema of the arguments object
}

// ToolChoice restricts the use of tools. The zero value lets the model decide.
type ToolChoice struct {
	Mode ToolMode
	Name string // for ToolNamed
}

// ToolMode is how far the model is free to use tools.
type ToolMode int

const (
	ToolAuto ToolMode = iota
	ToolNone
	ToolRequired
	ToolNamed
)

// ResponseFormat asks for a form of reply. The zero value asks for none.
type ResponseFormat struct {
	Type   FormatType
	Name   string
	Schema json.RawMessage // for FormatJSONSchema
	Strict bool
}

// FormatType is the form of a reply.
type FormatType int

const (
	FormatDefault FormatType = iota
	FormatText
	FormatJSONObject
	FormatJSONSchema
)

// Delta is what was generated since the last one. Any of its fields may be set. Text and
// reasoning may be cut anywhere, also within a character.
type Delta struct {
	Text      string
	Reasoning string
	ToolCalls []chat.ToolCall // each whole
	// Usage, if not zero, is what was spent so far, as well as the plugin knows: it is
	// what is kept when the caller goes away before the finish.
	Usage chat.Usage
}

// Finish ends a reply.
type Finish struct {
	Reason             FinishReason
	Usage              chat.Usage
	Model              string // as the provider names it
	ReasoningSignature []byte
}

// FinishReason is why a reply ended.
type FinishReason int

const (
	FinishUnknown FinishReason = iota
	FinishStop
	FinishLength
	FinishToolCalls
	FinishContentFilter
)

var finishNames = [...]string{"unknown", "stop", "length", "tool_calls", "content_filter"}

// String is the reason's name as the field's APIs write it.
func (r FinishReason) String() string {
	if r < 0 || int(r) >= len(finishNames) {
		return finishNames[0]
	}
	return finishNames[r]
}

// EmbedRequest asks for the vectors of texts.
type EmbedRequest struct {
	Call  sdk.Call
	Texts []string // at most sdk.MaxEmbedTexts, with at most sdk.MaxEmbedBytes together
}

// Validate refuses more than is embedded in one call, with fault.Invalid: the caller
// makes several of it. A host does so before it calls a plugin.
func (r *EmbedRequest) Validate() error {
	size := 0
	for _, text := range r.Texts {
		size += len(text)
	}
	switch {
	case len(r.Texts) > sdk.MaxEmbedTexts:
		return fault.New(fault.Invalid, "are %d; at most %d are embedded at once", len(r.Texts), sdk.MaxEmbedTexts).At("texts")
	case size > sdk.MaxEmbedBytes:
		return fault.New(fault.Invalid, "have %d bytes; at most %d are embedded at once", size, sdk.MaxEmbedBytes).At("texts")
	}
	return nil
}

// Embeddings answers an EmbedRequest.
type Embeddings struct {
	Vectors [][]float32
	Usage   chat.Usage
	Model   string
}
