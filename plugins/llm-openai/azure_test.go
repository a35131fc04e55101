package openaillm

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_azure checks the paths, the API version and the header with the API key of requests to
// Azure.
func TestModel_azure(t *testing.T) {
	for name, c := range map[string]struct {
		base, version, api          string
		chat, embed, check, checked string
	}{
		"version":           {"", "2024-10-21", "", "/openai/deployments/m/chat/completions?api-version=2024-10-21", "/openai/deployments/m/embeddings?api-version=2024-10-21", "/openai/models?api-version=2024-10-21", `{"data":[{"id":"gpt-4o"}]}`},
		"path with version": {"/openai/", "2024-10-21", "", "/openai/deployments/m/chat/completions?api-version=2024-10-21", "/openai/deployments/m/embeddings?api-version=2024-10-21", "/openai/models?api-version=2024-10-21", `{"data":[]}`},
		"v1":                {"/v1", "", "", "/v1/chat/completions", "/v1/embeddings", "/v1/models/m", `{"id":"m"}`},
		"v1 with version":   {"/v1/", "preview", "", "/v1/chat/completions?api-version=preview", "/v1/embeddings?api-version=preview", "/v1/models/m?api-version=preview", `{"id":"m"}`},
		"v1 and responses":  {"/v1", "", apiResponses, "/v1/responses", "/v1/embeddings", "/v1/models/m", `{"id":"m"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := kitServer(t)
			s.models = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.checked) }
			m := s.model(func(cfg *Config) {
				cfg.BaseURL, cfg.API, cfg.Azure, cfg.MaxTokens = s.URL+c.base, c.api, &Azure{APIVersion: c.version}, ptr(9)
			})
			seen := func(want string) {
				t.Helper()
				if s.path != want || s.header.Get("Api-Key") != testKey || s.header.Get("Authorization") != "" {
					t.Errorf("%s, want %s; %v", s.path, want, s.header)
				}
			}
			if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
				t.Error(err)
			}
			seen(c.chat)
			if _, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}}); err != nil {
				t.Error(err)
			}
			seen(c.embed)
			if err := m.Check(t.Context()); err != nil {
				t.Error(err)
			}
			seen(c.check)
		})
	}
}

// TestModel_account checks the headers for an organization and a project.
func TestModel_account(t *testing.T) {
	s := kitServer(t)
	m := s.model(func(c *Config) { c.Organization, c.Project = "org-1", "proj-1" })
	if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if h := s.header; h.Get("OpenAI-Organization") != "org-1" || h.Get("OpenAI-Project") != "proj-1" || h.Get("Authorization") != "Bearer "+testKey {
		t.Errorf("%v", h)
	}
}
