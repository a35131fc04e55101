package openaillm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// LLMTraits implements sdk.LLMDescriber. The API does not say what a model takes, so the traits come
// from the table of known models and from the configuration.
func (m *Model) LLMTraits(context.Context) sdk.LLMTraits { return m.traits }

// knownTraits returns the traits of the model. They claim all that the API has, except what the table
// of models or the configuration excludes.
func (m *Model) knownTraits() sdk.LLMTraits {
	known, ok := familyOf(m.Model, m.own || m.Azure != nil)
	t := sdk.LLMTraits{
		// The traits do not set Reasoning: the model takes back only its own reasoning, which has a state.
		Maker: m.maker(), ContextTokens: known.context, Media: []sdk.MediaKind{},
		Tools:      &sdk.ToolTraits{Calls: !ok || !known.noTools, Required: true, Named: true, ParallelChoice: true, TextArguments: known.textTools},
		Formats:    &sdk.FormatTraits{JSONObject: true, JSONSchema: !ok || !known.noSchema},
		Embeddings: &sdk.EmbeddingTraits{Embeds: true},
	}
	if m.ContextSize > 0 {
		t.ContextTokens = m.ContextSize
	}
	if m.Images != nil && *m.Images || m.Images == nil && (!ok || !known.noImages) {
		t.Media = m.media()
	}
	embedding, ok := familyOf(m.EmbeddingModel, m.own || m.Azure != nil)
	t.Embeddings.Embeds = !ok || embedding.dimensions > 0
	if t.Embeddings.Dimensions = m.Dimensions; m.Dimensions == 0 {
		t.Embeddings.Dimensions = embedding.dimensions
	}
	return t
}

// media returns the media that the API of the instance can send to a model.
func (m *Model) media() []sdk.MediaKind {
	if m.responses {
		all := []string{sdk.SourceData, sdk.SourceURL, sdk.SourceReference}
		return []sdk.MediaKind{{Kind: chat.Image, Sources: all}, {Kind: chat.File, Sources: all}}
	}
	return []sdk.MediaKind{
		{Kind: chat.Image, Sources: []string{sdk.SourceData, sdk.SourceURL}},
		{Kind: chat.Audio, Types: audioTypes(), Sources: []string{sdk.SourceData}},
		{Kind: chat.File, Sources: []string{sdk.SourceData, sdk.SourceReference}},
	}
}

// maker returns the maker of provider states. Instances have the same maker if they have the same API,
// server, organization, project and model. OpenAI can read its encrypted reasoning only for the same
// organization and project. The reasoning of one model means little to another model.
func (m *Model) maker() string {
	api := apiChat
	if m.responses {
		api = apiResponses
	}
	return "openai/" + api + "/" + digest(m.serverID(), m.Organization, m.Project, m.Model)[:32]
}
