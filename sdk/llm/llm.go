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

// LLM generates replies. An LLM is one configured instance. The host calls it concurrently, for any
// number of tenants. If the LLM implements io.Closer, Close is called once, after the last call has
// returned.
type LLM interface {
	// Chat generates the reply to the last of req.Messages. It calls emit for each part of the
	// reply, or for each piece of a part, in the order in which the model makes them, from one
	// goroutine. emit blocks while the host is slower than the provider, and while the reply comes
	// faster than sdk.MaxReplyPieceRate and sdk.MaxReplyByteRate allow. Chat does not change
	// afterwards what the Delta points to. When emit returns an error, Chat stops the generation.
	// Chat returns a Finish without an error only when the provider reported that the reply is
	// complete. When ctx is canceled, Chat stops the provider and returns promptly. Errors are of
	// package fault. Together with an error, Chat may return a Finish with the usage so far.
	//
	// Chat leaves out nothing of the request. If the model cannot take a part of a message, a tool
	// or a form of reply, Chat returns
	// fault.Unsupported with the path of it. Chat ignores
	// a part's Unknown fields, but refuses a part of chat.KindUnknown.
	//
	// The LLM does what its traits say that it can do. If the request has a response format, the reply
	// is a text of this form and nothing else. Each tool call has an id of its own, the name of a tool
	// of the request, and arguments in the form of that tool.
	Chat(ctx context.Context, req *Request, emit func(Delta) error) (*Finish, error)
}

// Embedder is the interface of an instance that can embed texts.
type Embedder interface {
	// Embed returns one vector for each text, in the order of the texts. All vectors have the same
	// length.
	Embed(ctx context.Context, req *EmbedRequest) (*Embeddings, error)
}

// Request describes the reply to generate.
type Request struct {
	Call     sdk.Call
	Messages []chat.Message // the system message first, then the conversation
	// Stable is how many of the first messages will probably begin the conversation's next request
	// too, or 0. It is a hint for prompt caches.
	Stable     int
	Tools      []Tool
	ToolChoice ToolChoice
	// ParallelToolCalls says whether the model may ask for several calls before it gets a result.
	// If it is nil, the model decides.
	ParallelToolCalls *bool
	ResponseFormat    ResponseFormat
	// MaxOutputTokens bounds the reply. 0 means the maximum of the instance's configuration.
	MaxOutputTokens int
	// Overrides is a JSON object with values of the configuration keys whose botyard tag has the
	// word override, or nil. They count for this request instead of the configured values.
	// [schema.Override] applies them.
	Overrides json.RawMessage
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema of the arguments; unused with ArgumentsText
	Arguments   ArgumentsForm
}

// ArgumentsForm is how the model writes the arguments of a call.
type ArgumentsForm int

const (
	ArgumentsJSON ArgumentsForm = iota // a JSON object
	ArgumentsText                      // any text
)

// ToolChoice restricts the use of tools. The zero value lets the model decide.
type ToolChoice struct {
	Mode ToolMode
	Name string // the tool's name; used with ToolNamed only
}

// ToolMode says whether the model may or must call tools.
type ToolMode int

const (
	ToolAuto ToolMode = iota
	ToolNone
	ToolRequired
	ToolNamed
)

// ResponseFormat asks the model for a reply in a certain form. The zero value leaves the form open.
type ResponseFormat struct {
	Type   FormatType
	Name   string
	Schema json.RawMessage // used with FormatJSONSchema only
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

// Finish says how a reply ended, and what it cost.
type Finish struct {
	Reason FinishReason
	Usage  chat.Usage
	Model  string // the model's name at the provider
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

// String returns the name that HTTP APIs of models use for the reason, such as "tool_calls".
func (r FinishReason) String() string {
	if r < 0 || int(r) >= len(finishNames) {
		return finishNames[0]
	}
	return finishNames[r]
}

// EmbedRequest has the texts to embed.
type EmbedRequest struct {
	Call  sdk.Call
	Texts []string // at most sdk.MaxEmbedTexts, with at most sdk.MaxEmbedBytes together
}

// Validate returns fault.Invalid if the request has more than sdk.MaxEmbedTexts texts or more than
// sdk.MaxEmbedBytes bytes. The caller then splits the request. A host calls Validate before it
// calls a plugin.
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

// Embeddings is the result of an EmbedRequest.
type Embeddings struct {
	Vectors [][]float32
	Usage   chat.Usage
	Model   string
}
