package ollama

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

func TestModel_Check(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	missing := func(name string) func(http.ResponseWriter, *api.ShowRequest) {
		return func(w http.ResponseWriter, req *api.ShowRequest) {
			if req.Model == name {
				refuse(w, http.StatusNotFound, "model '"+name+"' not found")
				return
			}
			answer(w, api.ShowResponse{License: strings.Repeat("x", 200_000)})
		}
	}
	for name, c := range map[string]struct {
		show    func(http.ResponseWriter, *api.ShowRequest)
		config  func(*Config)
		class   fault.Class
		path    string
		message string // empty if the check succeeds
	}{
		"all there":               {show: missing("none")},
		"missing model":           {missing("gemma3:1b"), nil, fault.NotFound, "model", "ollama pull gemma3:1b"},
		"missing embedding model": {missing("minilm"), func(c *Config) { c.EmbeddingModel = "minilm" }, fault.NotFound, "embedding_model", "ollama pull minilm"},
		"key not accepted": {func(w http.ResponseWriter, _ *api.ShowRequest) { refuse(w, http.StatusUnauthorized, "no") },
			func(c *Config) { c.APIKey = "wrong" }, fault.Unauthenticated, "api_key", "does not accept the api_key"},
		"another server": {func(w http.ResponseWriter, _ *api.ShowRequest) { _, _ = w.Write([]byte("<html>")) },
			nil, fault.NotFound, "base_url", "is no Ollama API"},
		"endless response": {func(w http.ResponseWriter, _ *api.ShowRequest) {
			_, _ = w.Write([]byte(`{"license":"` + strings.Repeat("x", 8<<20) + `"}`))
		}, nil, fault.ProviderFailed, "", "sends more than"},
		"nothing listens": {nil, func(c *Config) { c.BaseURL = gone.URL }, fault.ProviderFailed, "base_url", "nothing listens"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.show = c.show
			err := s.model(c.config).Check(t.Context())
			if c.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f := fault.Of(err)
			if f == nil || f.Class != c.class || f.Path.String() != c.path || !strings.Contains(f.Message, c.message) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestModel_Check_deadline checks that a check of a silent server ends with its context, and says which
// server is silent.
func TestModel_Check_deadline(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // runs before the cleanup that closes the server
	s.show = func(http.ResponseWriter, *api.ShowRequest) { <-release }
	m := s.model(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Check(ctx); !fault.Is(err, fault.Deadline) || !strings.Contains(err.Error(), s.Listener.Addr().String()) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if err := m.Check(ctx); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
}
