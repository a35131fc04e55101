package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host"
)

// TestTenant_secretsAreRedacted checks that no response shows a secret, and that putting a redacted
// document keeps its secrets.
func TestTenant_secretsAreRedacted(t *testing.T) {
	s := serve(t, Options{})
	const key = "sk-very-secret"
	path := "/admin/v1/tenants/a"
	var got Tenant
	s.call("PUT", path, nil, `{"llm":{"provider":"echo","api_key":"`+key+`"}}`, 201, &got)
	llm := got.Config["llm"].(map[string]any)
	if llm["api_key"] != "<secret>" || llm["provider"] != "echo" {
		t.Errorf("%+v", got.Config)
	}
	before := got.Revision
	body, _ := json.Marshal(got.Config)
	s.call("PUT", path, nil, string(body), 200, &got)
	if got.Revision != before {
		t.Error("putting the redacted document changed the secret")
	}
	s.call("PUT", path, nil, `{"llm":{"provider":"echo","api_key":"another"}}`, 200, &got)
	if got.Revision == before {
		t.Error("another secret has the same revision")
	}
	for _, path := range []string{path, path + "/config", "/admin/v1/tenants", "/admin/v1/plugins", "/admin/v1/cache"} {
		resp := s.request("GET", path, nil, "")
		var b strings.Builder
		_ = resp.Write(&b)
		if strings.Contains(b.String(), "another") || strings.Contains(b.String(), key) {
			t.Errorf("%s shows the secret: %s", path, b.String())
		}
	}
	// The errors for invalid settings do not show the key either.
	for _, body := range []string{
		`{"llm":{"provider":"echo","api_key":"` + key + `","modl":1}}`,
		`{"llm":{"provider":"echo","api_key":{"x":"` + key + `"}}}`,
		`{"llm":{"provider":"echo","api_key":["` + key + `"]}}`,
	} {
		resp := s.request("PUT", path, nil, body)
		var b strings.Builder
		_ = resp.Write(&b)
		if resp.StatusCode != 422 || strings.Contains(b.String(), key) {
			t.Errorf("%s", b.String())
		}
	}
}

// TestGetTenant_secretsOfTheSameRevision checks that a secret is redacted even if the secret does
// not change the effective configuration, because it equals the inherited value or because the
// tenant's own value replaces it.
func TestGetTenant_secretsOfTheSameRevision(t *testing.T) {
	const inherited, hidden, own = "sk-that-is-inherited", "sk-that-is-hidden", "sk-of-the-tenant-itself"
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"data_dir":      t.TempDir(),
		"registry":      map[string]any{"storage": map[string]any{"backend": "memory"}},
		"defaults":      map[string]any{"llm": map[string]any{"provider": "echo", "api_key": inherited}},
		"tenant_policy": map[string]any{"keys": []any{"*", "llm.api_key"}},
	}})
	const path = "/admin/v1/tenants/a"
	var first, got Tenant
	s.call("PUT", path, nil, `{}`, 201, nil)
	s.get(path, &first) // from here on the host has the tenant in memory
	for _, step := range []struct {
		path, body string
		same       bool
	}{
		{path, `{"llm":{"api_key":"` + inherited + `"}}`, true},
		{path + "?as=tenant", `{"llm":{"api_key":"` + own + `"}}`, false},
		{path, `{"llm":{"api_key":"` + hidden + `"}}`, true},
	} {
		status := 200
		if strings.HasSuffix(step.path, "tenant") {
			status = 201
		}
		before := first.Revision
		s.call("PUT", step.path, nil, step.body, status, &first)
		if (first.Revision == before) != step.same {
			t.Errorf("%s: revision %s after %s", step.body, first.Revision, before)
		}
		for _, read := range []string{path, path + "?as=tenant", path + "/config", path + "/versions", path + "/versions/2", path + "/versions/3", "/admin/v1/tenants"} {
			resp := s.request("GET", read, nil, "")
			var b strings.Builder
			_ = resp.Write(&b)
			for _, secret := range []string{inherited, hidden, own} {
				if strings.Contains(b.String(), secret) {
					t.Errorf("after %s: %s shows %s", step.body, read, b.String())
				}
			}
		}
	}
	s.get(path, &got)
	if fmt.Sprint(got.Config) != "map[llm:map[api_key:<secret>]]" {
		t.Errorf("%v", got.Config)
	}
}
