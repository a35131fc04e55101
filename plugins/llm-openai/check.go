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

// Check implements sdk.Checker. It asks the server for the configured models, which makes no reply. So it
// finds a server that does not answer, a key that is not accepted and a model that is missing. A server
// without a list of models cannot be asked, which is fault.Unsupported.
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

// checkModel asks for one model. Many servers have only the list of all.
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

// missesRoute reports whether the server does not have what was asked for.
func missesRoute(f *fault.Error) bool {
	switch f.UpstreamStatus {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusBadRequest:
		return f.Class == fault.NotFound || f.Class == fault.Invalid
	}
	return false
}

// checkList looks for a model in the list of all.
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
