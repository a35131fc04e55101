package openaillm

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestModel_Check(t *testing.T) {
	list := `{"object":"list","data":[{"id":"models/m","object":"model"},{"id":"other","root":"org/other"}]}`
	// routes has a response for each path. For other paths the server sends 404, as a server without the
	// route does.
	type routes map[string]string
	for name, c := range map[string]struct {
		routes routes
		status int
		model  string
		class  fault.Class // Internal for none
		path   string
	}{
		"the model":          {routes{"/v1/models/m": `{"id":"m"}`}, 0, "m", 0, ""},
		"a name with slash":  {routes{"/v1/models/org%2Fm": `{"id":"org/m"}`}, 0, "org/m", 0, ""},
		"only the list":      {routes{"/v1/models": list}, 0, "m", 0, ""},
		"by its root":        {routes{"/v1/models": list}, 0, "org/other", 0, ""},
		"not in the list":    {routes{"/v1/models": list}, 0, "none", fault.NotFound, "model"},
		"llama.cpp":          {routes{"/v1/models": `{"data":[{"id":"a.gguf","owned_by":"llamacpp"}]}`}, 0, "any", 0, ""},
		"no list either":     {routes{}, 0, "m", fault.Unsupported, ""},
		"a page":             {routes{"/v1/models": "<html>", "/v1/models/m": "<html>"}, 0, "m", fault.NotFound, "base_url"},
		"the key is refused": {routes{}, 401, "m", fault.Unauthenticated, "api_key"},
		"the server fails":   {routes{}, 500, "m", fault.ProviderFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.models = func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+testKey {
					t.Errorf("%v", r.Header)
				}
				body, ok := c.routes[r.URL.EscapedPath()]
				switch {
				case c.status != 0:
					refuse(w, c.status, map[string]any{"message": testKey})
				case !ok:
					http.NotFound(w, r)
				default:
					_, _ = fmt.Fprint(w, body)
				}
			}
			err := s.model(func(cfg *Config) { cfg.Model = c.model }).Check(t.Context())
			if c.class == fault.Internal {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := fault.Of(err); err == nil || f.Class != c.class || f.Path.String() != c.path {
				t.Errorf("%v %+v", err, f)
			}
		})
	}
}

// TestModel_Check_embeddingModel checks that the error for a missing embedding model has the path
// embedding_model.
func TestModel_Check_embeddingModel(t *testing.T) {
	s := newServer(t)
	s.models = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models/m" {
			_, _ = fmt.Fprint(w, `{"id":"m"}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"data":[]}`)
	}
	err := s.model(func(c *Config) { c.EmbeddingModel = "e" }).Check(t.Context())
	if f := fault.Of(err); err == nil || f.Class != fault.NotFound || f.Path.String() != "embedding_model" {
		t.Error(err)
	}
}
