package sdk

import "context"

// LLMDescriber is the interface of an llm instance that knows what its model takes.
type LLMDescriber interface {
	// LLMTraits returns what the instance knows of its model. The SDK calls it each time that the
	// host configures the instance. It may ask the upstream, if that takes a second at most, and
	// leaves unknown what the upstream does not say.
	LLMTraits(ctx context.Context) LLMTraits
}

// LLMTraits says what the model of an llm instance takes. The host assumes that the model takes
// everything about which a field is nil. In earlier turns of a conversation the host replaces what
// the model does not take. In the new messages of a turn the instance refuses it.
type LLMTraits struct {
	// Maker says whose provider states the instance understands: the provider, the account and the
	// model, as far as they matter. The host gives the instance only states of an equal maker. It
	// has no secrets and at most MaxMakerBytes. An instance with an empty Maker gets no states.
	Maker string
	// ContextTokens is how many tokens input and output may have together, or 0 if it is unknown.
	ContextTokens int64
	// Media lists the media that the model takes. An empty list takes none, and nil is unknown.
	Media []MediaKind
	Tools *ToolTraits
	// Formats are the forms of a reply beside text.
	Formats *FormatTraits
	// Reasoning says whether the model takes back reasoning of earlier messages.
	Reasoning  *bool
	Embeddings *EmbeddingTraits
}

// MaxMakerBytes bounds LLMTraits.Maker. MaxMediaKinds bounds LLMTraits.Media, and the types of each
// of them.
const (
	MaxMakerBytes = 256
	MaxMediaKinds = 64
)

// MediaKind is a kind of media that a model takes.
type MediaKind struct {
	Kind string // as the kind of chat.Media
	// Types are media types such as "image/png" or "image/*". Without any, the model takes all.
	Types []string
	// Sources are "data", "url" and "reference". Without any, the model takes all.
	Sources []string
}

// ToolTraits says which tools a model takes. If Calls is false, it takes none.
type ToolTraits struct {
	Calls          bool
	TextArguments  bool // a tool may take a text as its arguments
	Required       bool // the model can be made to call a tool
	Named          bool // the model can be made to call one certain tool
	ParallelChoice bool // the request may say whether there may be several calls at once
}

// FormatTraits says which forms of a reply a model can be made to keep, beside text.
type FormatTraits struct{ JSONObject, JSONSchema bool }

// EmbeddingTraits says whether an instance embeds texts, and the length of its vectors, or 0 if it
// is unknown.
type EmbeddingTraits struct {
	Embeds     bool
	Dimensions int
}

// Sources of media.
const (
	SourceData      = "data"
	SourceURL       = "url"
	SourceReference = "reference"
)
