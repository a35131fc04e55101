package openaillm

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// Check implements sdk.Checker. It asks the server for the configured models, and generates no reply.
// It finds a server that does not answer, an API key that the server does not accept, and a missing
// model. It returns fault.Unsupported for a server that has no list of models.
func (m *Model) Check(ctx context.Context) error {
	for _, one := range []struct{ key, model string }{{"model", m.Model}, {"embedding_model", m.EmbeddingModel}} {
		if one.key == "embedding_model" && one.model == m.Model {
			continue
		}
		if err := m.checkModel(ctx, one.key, one.model); err != nil {
			if ctx.Err() == context.DeadlineExceeded {
				return fault.New(fault.Deadline, "%s did not answer in time", m.client.Server()).At("base_url")
			}
			return err
		}
	}
	return nil
}

// checkModel asks the server for one model, which is the value of the configuration key. Many servers
// answer only for the list of all models, so checkModel then looks there.
func (m *Model) checkModel(ctx context.Context, key, model string) error {
	if m.Azure == nil || hasV1(m.base) {
		resp, err := m.get(ctx, "models/"+url.PathEscape(model), model, key)
		if err == nil {
			body, err := resp.ReadAll(sdk.MaxUpstreamLineBytes)
			resp.Close()
			var one struct{ ID string }
			if err == nil && json.Unmarshal(body, &one) == nil && one.ID != "" {
				return nil
			}
		} else if f := fault.Of(err); !missesRoute(f) {
			return err
		} else if m.own {
			return fault.New(fault.NotFound, "%s has no model %s, or the key may not use it", m.client.Server(), model).
				At(key).By(fault.PartyTenant).Upstream(f.UpstreamStatus)
		}
	}
	return m.checkList(ctx, key, model)
}

// missesRoute reports whether the server has no such path, or nothing at it.
func missesRoute(f *fault.Error) bool {
	switch f.UpstreamStatus {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusBadRequest:
		return f.Class == fault.NotFound || f.Class == fault.Invalid
	}
	return false
}

// checkList looks for a model in the server's list of all models.
func (m *Model) checkList(ctx context.Context, key, model string) error {
	resp, err := m.get(ctx, "models", "", key)
	if err != nil {
		if f := fault.Of(err); missesRoute(f) {
			return fault.New(fault.Unsupported, "%s has no list of models to look into", m.client.Server())
		}
		return err
	}
	defer resp.Close()
	body, err := resp.ReadAll(sdk.MaxUpstreamLineBytes)
	if err != nil {
		return err
	}
	var list struct {
		Data []struct {
			ID      string
			OwnedBy string `json:"owned_by"`
			Root    string
		}
	}
	if json.Unmarshal(body, &list) != nil || list.Data == nil {
		return m.noAPI(resp.Status)
	}
	if m.Azure != nil {
		return nil // the list has models and not the names of deployments
	}
	for _, one := range list.Data {
		// A llama.cpp server has one model, whatever the name in a request.
		if strings.TrimPrefix(one.ID, "models/") == strings.TrimPrefix(model, "models/") || one.Root == model || one.OwnedBy == "llamacpp" {
			return nil
		}
	}
	return fault.New(fault.NotFound, "%s has no model %s", m.client.Server(), model).At(key).By(fault.PartyTenant)
}
