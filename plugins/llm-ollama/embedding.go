package ollama

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// Embed implements llm.Embedder with the model embedding_model. If embedding_model is empty, it uses
// model.
func (m *Model) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	if len(req.Texts) == 0 {
		return &llm.Embeddings{Model: m.embeddingModel}, nil
	}
	called, seen := withExchange(ctx, m.whole(len(req.Texts)))
	defer seen.bounds.release()

	resp, err := m.client.Embed(called, &api.EmbedRequest{
		Model: m.embeddingModel, Input: req.Texts, KeepAlive: m.keepAlive, Truncate: m.truncate, Options: m.embedOptions,
	})
	switch {
	case err == nil:
		return m.embeddings(resp, len(req.Texts))
	case ctx.Err() != nil:
		return nil, fault.Of(ctx.Err())
	}
	path := "embedding_model"
	if m.embeddingModel == m.model {
		path = "model"
	}
	return nil, m.failure(err, seen, m.embeddingModel, path, nothing)
}

func (m *Model) embeddings(resp *api.EmbedResponse, texts int) (*llm.Embeddings, error) {
	if len(resp.Embeddings) != texts {
		return nil, fault.New(fault.ProviderFailed, "the Ollama server at %s sent %d vectors for %d texts",
			m.address(), len(resp.Embeddings), texts)
	}
	for _, v := range resp.Embeddings {
		if len(v) == 0 || len(v) != len(resp.Embeddings[0]) {
			return nil, fault.New(fault.ProviderFailed, "the Ollama server at %s sent vectors of different lengths or none", m.address())
		}
	}
	return &llm.Embeddings{
		Vectors: resp.Embeddings, Model: resp.Model, Usage: chat.Usage{InputTokens: int64(resp.PromptEvalCount)},
	}, nil
}
