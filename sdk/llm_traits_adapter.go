package sdk

import (
	"fmt"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
)

func llmTraitsToProto(t *LLMTraits) *pluginv1.LLMTraits {
	out := &pluginv1.LLMTraits{ContextTokens: t.ContextTokens, Reasoning: t.Reasoning}
	if t.Media != nil {
		out.Media = &pluginv1.MediaTraits{}
		for _, m := range t.Media {
			out.Media.Kinds = append(out.Media.Kinds, &pluginv1.MediaKind{Kind: m.Kind, Types: m.Types, Sources: m.Sources})
		}
	}
	if c := t.Tools; c != nil {
		out.Tools = &pluginv1.ToolTraits{
			Calls: c.Calls, TextArguments: c.TextArguments, Required: c.Required, Named: c.Named, ParallelChoice: c.ParallelChoice,
		}
	}
	if f := t.Formats; f != nil {
		out.ResponseFormats = &pluginv1.ResponseFormatTraits{JsonObject: f.JSONObject, JsonSchema: f.JSONSchema}
	}
	if e := t.Embeddings; e != nil {
		out.Embeddings = &pluginv1.EmbeddingTraits{Embeds: e.Embeds, Dimensions: int32(e.Dimensions)}
	}
	return out
}

// LLMTraitsFromProto returns the traits in a plugin's response. The error completes the sentence
// "the plugin ...".
func LLMTraitsFromProto(r *pluginv1.ConfigureResponse) (LLMTraits, error) {
	p := r.GetLlm()
	out := LLMTraits{Maker: r.GetMaker(), ContextTokens: p.GetContextTokens()}
	if len(out.Maker) > MaxMakerBytes {
		return out, fmt.Errorf("names its maker with %d bytes, more than %d", len(out.Maker), MaxMakerBytes)
	}
	if p == nil {
		return out, nil
	}
	out.Reasoning = p.Reasoning
	if p.ContextTokens < 0 || p.GetEmbeddings().GetDimensions() < 0 {
		return out, fmt.Errorf("says that its model has %d tokens of context and vectors of length %d", p.ContextTokens, p.GetEmbeddings().GetDimensions())
	}
	if m := p.Media; m != nil {
		out.Media = []MediaKind{}
		if len(m.Kinds) > MaxMediaKinds {
			return out, fmt.Errorf("lists %d kinds of media, more than %d", len(m.Kinds), MaxMediaKinds)
		}
		for _, k := range m.Kinds {
			if len(k.GetTypes()) > MaxMediaKinds || len(k.GetSources()) > MaxMediaKinds {
				return out, fmt.Errorf("lists %d types and %d sources of media, more than %d", len(k.GetTypes()), len(k.GetSources()), MaxMediaKinds)
			}
			out.Media = append(out.Media, MediaKind{Kind: k.GetKind(), Types: k.GetTypes(), Sources: k.GetSources()})
		}
	}
	if t := p.Tools; t != nil {
		out.Tools = &ToolTraits{
			Calls: t.Calls, TextArguments: t.TextArguments, Required: t.Required, Named: t.Named, ParallelChoice: t.ParallelChoice,
		}
	}
	if f := p.ResponseFormats; f != nil {
		out.Formats = &FormatTraits{JSONObject: f.JsonObject, JSONSchema: f.JsonSchema}
	}
	if e := p.Embeddings; e != nil {
		out.Embeddings = &EmbeddingTraits{Embeds: e.Embeds, Dimensions: int(e.Dimensions)}
	}
	return out, nil
}
