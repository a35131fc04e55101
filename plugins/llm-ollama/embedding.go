package ollama

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// embedBatch is the most texts in one request. It bounds how many vectors the plugin has in memory as
// JSON, and how much work the server does for a call that is canceled.
const embedBatch = 128

// Embed implements llm.Embedder with the model embedding_model, or with model if that key is empty. It
// returns the vectors in the order of the texts.
func (m *Model) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	out := &llm.Embeddings{Model: m.embeddingModel}
	for texts := range slices.Chunk(req.Texts, embedBatch) {
		resp, err := m.embed(ctx, texts)
		if m.lacks(err, m.embeddingKey()) {
			if err := m.fetch(ctx, m.embeddingModel, m.embeddingKey()); err != nil {
				return nil, err
			}
			resp, err = m.embed(ctx, texts)
		}
		if err != nil {
			return nil, err
		}
		out.Vectors = append(out.Vectors, resp.Embeddings...)
		out.Usage = out.Usage.Add(chat.Usage{InputTokens: max(0, int64(resp.PromptEvalCount))})
		if resp.Model != "" {
			out.Model = beginning(resp.Model, maxModelName)
		}
	}
	if err := m.checkVectors(out.Vectors); err != nil {
		return nil, err
	}
	return out, nil
}

// embeddingKey returns the configuration key that names the model for embeddings.
func (m *Model) embeddingKey() string {
	if m.embeddingModel == m.model {
		return modelKey
	}
	return "embedding_model"
}

// embed embeds the texts with one request.
func (m *Model) embed(ctx context.Context, texts []string) (*api.EmbedResponse, error) {
	called, seen := withExchange(ctx, m.whole(len(texts)))
	defer seen.bounds.release()
	resp, err := m.client.Embed(called, &api.EmbedRequest{
		Model: m.embeddingModel, Input: texts, KeepAlive: m.keepAlive, Truncate: m.truncate, Dimensions: m.dimensions, Options: m.embedOptions,
	})
	switch {
	case err == nil && len(resp.Embeddings) == len(texts):
		return resp, nil
	case err == nil:
		return nil, fault.New(fault.ProviderFailed, "the Ollama server at %s sent %d vectors for %d texts",
			m.address(), len(resp.Embeddings), len(texts))
	case ctx.Err() != nil:
		return nil, fault.Of(ctx.Err())
	}
	return nil, m.failure(err, seen, m.embeddingModel, m.embeddingKey(), nothing)
}

// checkVectors returns an error if the vectors have different lengths, if one is empty, or if they do
// not have the configured length embedding_dimensions.
func (m *Model) checkVectors(vectors [][]float32) error {
	for _, v := range vectors {
		if len(v) == 0 || len(v) != len(vectors[0]) {
			return fault.New(fault.ProviderFailed, "the Ollama server at %s sent vectors of different lengths or none", m.address())
		}
	}
	if len(vectors) > 0 && m.dimensions > 0 && len(vectors[0]) != m.dimensions {
		return invalid("embedding_dimensions", "is %d, and the Ollama server at %s makes vectors of the length %d of %s",
			m.dimensions, m.address(), len(vectors[0]), m.embeddingModel)
	}
	return nil
}
