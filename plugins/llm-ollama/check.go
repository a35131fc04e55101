package ollama

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// Check implements sdk.Checker. It asks the server to describe the configured models, which loads none
// of them. It finds a server that does not answer, an API key that the server does not accept, and a missing
// model. The error for a missing model names the models that the server has. Check does not find a server
// that fails when it runs the model. It pulls no model.
func (m *Model) Check(ctx context.Context) error {
	if err := m.checkModel(ctx, m.model, modelKey); err != nil {
		return err
	}
	if m.embeddingModel != m.model {
		return m.checkModel(ctx, m.embeddingModel, "embedding_model")
	}
	return nil
}

// checkModel asks the server to describe a model. path is the configuration key of the model.
func (m *Model) checkModel(ctx context.Context, model, path string) error {
	called, seen := withExchange(ctx, m.description())
	defer seen.bounds.release()
	_, err := m.client.Show(called, &api.ShowRequest{Model: model})
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fault.New(fault.Deadline, "the Ollama server at %s did not answer in time", m.address()).At("base_url")
	case ctx.Err() != nil:
		return fault.Of(ctx.Err())
	}
	f := m.failure(err, seen, model, path, nothing)
	if f.Class != fault.NotFound || !slices.Equal(f.Path, fault.Path{path}) {
		return f
	}
	switch {
	case !m.pull:
	case pulls.runs(m, model):
		f.Message = fmt.Sprintf("the Ollama server at %s is pulling the model %s", m.address(), model)
	default:
		f.Message = fmt.Sprintf("the Ollama server at %s has no model %s; the first call pulls it", m.address(), model)
	}
	return m.withAvailable(ctx, f, model)
}

// description returns the bounds of a response that describes a model: its template, its license and
// the names of its tensors. The plugin has the whole response in memory.
func (m *Model) description() bounds {
	b := m.whole(0)
	b.total = sdk.MaxUpstreamLineBytes
	return b
}
