package ollama

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// LLMTraits implements sdk.LLMDescriber. It names no maker, because Ollama has no provider states.
func (m *Model) LLMTraits(context.Context) sdk.LLMTraits {
	return sdk.LLMTraits{
		ContextTokens: int64(max(0, intOption(m.options, "num_ctx"))),
		Media:         []sdk.MediaKind{{Kind: chat.Image, Sources: []string{sdk.SourceData}}},
		Tools:         &sdk.ToolTraits{Calls: true},
		Formats:       &sdk.FormatTraits{JSONObject: true, JSONSchema: true},
		Embeddings:    &sdk.EmbeddingTraits{Embeds: true},
	}
}
