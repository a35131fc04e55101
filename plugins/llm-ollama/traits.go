package ollama

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// The plugin asks the server what a model takes when the host configures the instance. The server's
// answer counts for showAgain. A server that does not answer within showTimeout, or whose answer says
// nothing, is asked again after showRetry at the earliest.
const (
	showTimeout = time.Second
	showAgain   = 10 * time.Minute
	showRetry   = 30 * time.Second
)

// knownTraits is what the instance knows of its models.
type knownTraits struct {
	newest atomic.Pointer[sdk.LLMTraits] // nil as long as the server has said nothing
	mu     sync.Mutex                    // held while the server is asked
	again  time.Time                     // when the server may be asked again; guarded by mu
}

// LLMTraits implements sdk.LLMDescriber. It asks the server, unless it has asked lately. It names no
// maker, because Ollama has no provider states.
func (m *Model) LLMTraits(ctx context.Context) sdk.LLMTraits {
	k := &m.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().After(k.again) {
		traits, ok := m.askTraits(ctx)
		switch {
		case ok:
			k.newest.Store(&traits)
			k.again = time.Now().Add(showAgain)
		case ctx.Err() == nil:
			k.again = time.Now().Add(showRetry)
		}
	}
	return m.traits()
}

// traits returns what the instance knows of its models. It asks nobody.
func (m *Model) traits() sdk.LLMTraits {
	if t := m.known.newest.Load(); t != nil {
		return *t
	}
	return m.traitsOf(&shown{}, &shown{})
}

// askTraits asks the server. ok is false if the server does not say what the model takes.
func (m *Model) askTraits(ctx context.Context) (t sdk.LLMTraits, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	model, err := m.show(ctx, m.model)
	if err != nil {
		return t, false
	}
	embedding := model
	if m.embeddingModel != m.model {
		if embedding, err = m.show(ctx, m.embeddingModel); err != nil {
			embedding = &shown{} // the length of its vectors is not known
		}
	}
	return m.traitsOf(model, embedding), true
}

// traitsOf returns the traits of an instance of the two models, which may be the same. What the server
// does not say of them is taken as Ollama has it in general.
func (m *Model) traitsOf(model, embedding *shown) sdk.LLMTraits {
	t := sdk.LLMTraits{
		ContextTokens: model.contextTokens(m.numCtx),
		Media:         []sdk.MediaKind{},
		Reasoning:     new(true),
		Tools:         &sdk.ToolTraits{Calls: model.can("tools")},
		Formats:       &sdk.FormatTraits{JSONObject: true, JSONSchema: true},
		// Ollama embeds with every model.
		Embeddings: &sdk.EmbeddingTraits{Embeds: true, Dimensions: cmp.Or(m.dimensions, embedding.dimensions())},
	}
	if model.can("vision") {
		t.Media = append(t.Media, sdk.MediaKind{Kind: chat.Image, Sources: []string{sdk.SourceData}})
	}
	return t
}
