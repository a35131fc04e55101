package echo

import (
	"context"

	"github.com/botyard/botyard/sdk"
)

// Takes says what the plugin takes, for tests of hosts. A field that is nil changes nothing.
type Takes struct {
	ContextTokens int64    `json:"context_tokens,omitempty" jsonschema:"minimum=0" jsonschema_description:"The size of the context that the plugin reports; it is not kept."`
	Media         []string `json:"media,omitempty" jsonschema_description:"The kinds of media that the plugin takes: image, audio, video and file. An empty list takes none."`
	Tools         *bool    `json:"tools,omitempty" jsonschema_description:"Whether the plugin takes tools; the default is true."`
	Formats       *bool    `json:"formats,omitempty" jsonschema_description:"Whether the plugin takes response formats beside text; the default is true."`
	Reasoning     *bool    `json:"reasoning,omitempty" jsonschema_description:"Whether the plugin takes reasoning of earlier messages."`
}

// LLMTraits implements sdk.LLMDescriber.
func (e *Echo) LLMTraits(context.Context) sdk.LLMTraits { return e.traits }

func (c *Config) traits() sdk.LLMTraits {
	t := sdk.LLMTraits{
		Maker: c.Maker, Tools: &sdk.ToolTraits{Calls: true, TextArguments: true, Required: true, Named: true, ParallelChoice: true},
		Formats: &sdk.FormatTraits{JSONObject: true, JSONSchema: true}, Embeddings: &sdk.EmbeddingTraits{Embeds: true, Dimensions: c.EmbeddingDimensions},
	}
	only := c.Takes
	if only == nil {
		return t
	}
	t.ContextTokens, t.Reasoning = only.ContextTokens, only.Reasoning
	if only.Media != nil {
		t.Media = make([]sdk.MediaKind, 0, len(only.Media))
		for _, kind := range only.Media {
			t.Media = append(t.Media, sdk.MediaKind{Kind: kind})
		}
	}
	if takes := only.Tools; takes != nil {
		t.Tools = &sdk.ToolTraits{Calls: *takes, TextArguments: *takes, Required: *takes, Named: *takes, ParallelChoice: *takes}
	}
	if takes := only.Formats; takes != nil {
		t.Formats = &sdk.FormatTraits{JSONObject: *takes, JSONSchema: *takes}
	}
	return t
}
