package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestPatchTenant checks that a patch changes single keys of both documents.
func TestPatchTenant(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	patch := headers{"Content-Type": patched}
	s.refuse(refusal{"", "PATCH", path, patch, "{}", 404, fault.NotFound, "", `no tenant "a"`})
	s.call("PUT", path, nil, withName, 201, nil)
	resp := s.request("PATCH", path, headers{"Content-Type": "application/json"}, "{}")
	if resp.StatusCode != 415 || resp.Header.Get("Accept-Patch") != patched {
		t.Errorf("%d, Accept-Patch %q", resp.StatusCode, resp.Header.Get("Accept-Patch"))
	}
	s.call("PATCH", path, patch, "[]", 400, nil)
	var got Tenant
	for _, try := range []struct{ method, path, patch, want string }{
		{"PATCH", path, `{"prompts":{"variables":{"name":"B","more":"x"}}}`, `{"prompts":{"system":"You are {{name}}.","variables":{"more":"x","name":"B"}}}`},
		{"PUT", path, `{"prompts":{"variables":{"more":null,"nothing":null}},"memory":{"max_messages":7}}`, `{"memory":{"max_messages":7},"prompts":{"system":"You are {{name}}.","variables":{"name":"B"}}}`},
		{"PATCH", path + "?as=operator", `{"memory":null}`, `{"prompts":{"system":"You are {{name}}.","variables":{"name":"B"}}}`},
		{"PATCH", ownPath, `{"prompts":{"variables":{"name":"C","gone":null}}}`, `{"prompts":{"variables":{"name":"C"}}}`},
		{"PATCH", ownPath, `{"prompts":{"system":"Mine: {{name}}"}}`, `{"prompts":{"system":"Mine: {{name}}","variables":{"name":"C"}}}`},
		{"PUT", ownPath, `{"prompts":{"variables":null}}`, `{"prompts":{"system":"Mine: {{name}}"}}`},
		{"PATCH", ownPath, `{}`, `{"prompts":{"system":"Mine: {{name}}"}}`},
	} {
		got = Tenant{}
		resp := s.request(try.method, try.path, patch, try.patch)
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s: %d, %v", try.patch, resp.StatusCode, err)
		}
		if config, _ := json.Marshal(got.Config); string(config) != try.want {
			t.Errorf("%s makes %s; want %s", try.patch, config, try.want)
		}
	}
	s.repliesWith("a", "Mine: B")
	// An invalid patch changes nothing, and its problems have their positions in the patch.
	p := s.refuse(refusal{"", "PATCH", ownPath, patch, "{\n\"memory\":{\"max_messages\":\"many\"}}", 422, fault.Invalid, "", ""})
	if at := p.Problems[0]; at.File != "body" || at.Line != 2 || at.Path != "memory.max_messages" {
		t.Errorf("%+v", at)
	}
	s.repliesWith("a", "Mine: B")
}

// TestPatchTenant_keepsSecrets checks that a patch keeps a secret that it does not name, but cannot
// move the secret to another key.
func TestPatchTenant_keepsSecrets(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	patch := headers{"Content-Type": patched}
	var got, before Tenant
	s.call("PUT", path, nil, `{"llm":{"provider":"echo","api_key":"sk-kept"}}`, 201, &before)
	s.call("PATCH", path, patch, `{"prompts":{"system":"x"}}`, 200, &got)
	if got.Config["llm"].(map[string]any)["api_key"] != "<secret>" {
		t.Errorf("%+v", got.Config)
	}
	s.call("PATCH", path, patch, `{"prompts":null,"llm":{"api_key":"<secret>"}}`, 200, &got)
	if got.Revision != before.Revision {
		t.Error("the secret was not kept")
	}
}

func TestPutTenant(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	var created, got, changed Tenant
	resp := s.call("PUT", path, nil, prompt, 201, &created)
	etag := resp.Header.Get("ETag")
	if created.ID != "a" || created.Source != "api" || etag != `"`+created.Revision+`"` || created.UpdatedAt == nil {
		t.Errorf("%s %+v", etag, created)
	}
	if resp := s.get(path, &got); resp.Header.Get("ETag") != etag || got.Revision != created.Revision {
		t.Errorf("%+v", got)
	}
	if r := s.chat("a", "c", "m"); r.Bot.Cached || r.Bot.Revision != created.Revision || !strings.Contains(r.Reply, "You are A.") {
		t.Errorf("%+v", r)
	}
	other := strings.ReplaceAll(prompt, "A", "another A")
	for _, c := range []struct {
		h      headers
		status int
		at     string
	}{
		{headers{"If-Match": `"0123"`}, 412, "If-Match"},
		{headers{"If-None-Match": "*"}, 412, "If-None-Match"},
		{headers{"If-Match": `W/"0123"`}, 400, "If-Match"},
		{headers{"If-Match": `0123`}, 400, "If-Match"},
		{headers{"If-Match": `"1", "2"`}, 400, "If-Match"},
		{headers{"If-None-Match": `"1"`}, 400, "If-None-Match"},
	} {
		t.Run(fmt.Sprint(c.h), func(t *testing.T) {
			class := fault.Invalid
			if c.status == 412 {
				class = fault.Conflict
			}
			if p := s.in(t).refuse(refusal{"", "PUT", path, c.h, other, c.status, class, c.at, ""}); p.Retryable {
				t.Errorf("%+v", p)
			}
		})
	}
	s.refuse(refusal{"", "PUT", "/admin/v1/tenants/new", headers{"If-Match": "*"}, other, 412, fault.Conflict, "If-Match", ""})
	if r := s.chat("a", "c", "m"); !r.Bot.Cached || r.Bot.Revision != created.Revision {
		t.Errorf("a refused change changed something: %+v", r)
	}
	s.call("PUT", path, headers{"If-Match": etag}, other, 200, &changed)
	if r := s.chat("a", "c", "m"); r.Bot.Cached || r.Bot.Revision != changed.Revision || changed.Revision == created.Revision || !strings.Contains(r.Reply, "another A") {
		t.Errorf("%+v", r)
	}
	s.call("PUT", path, headers{"If-Match": "*"}, prompt, 200, nil)
	var list Tenants
	if s.get("/admin/v1/tenants", &list); len(list.Tenants) != 1 || list.Tenants[0].ID != "a" || list.Tenants[0].Config != nil {
		t.Errorf("%+v", list)
	}
	s.refuse(refusal{"", "DELETE", path, headers{"If-Match": `"0123"`}, "", 412, fault.Conflict, "If-Match", ""})
	s.call("DELETE", path, headers{"If-Match": etag}, "", 204, nil)
	s.call("DELETE", path, nil, "", 404, nil)
	s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, chatBody("c", "m"), 404, nil)
}

func TestPutTenant_dryRun(t *testing.T) {
	s := serve(t, Options{})
	var e Effective
	s.call("PUT", "/admin/v1/tenants/a?dry_run=true", nil, `{"memory":{"type":"buffer","max_messages":3}}`, 200, &e)
	found := false
	for _, entry := range e.Config {
		if entry.Path == "memory.max_messages" {
			found = true
			if entry.Layer != "tenant" || entry.File != "body" || entry.Line != 1 || entry.Column != 28 || entry.Value != 3.0 {
				t.Errorf("%+v", entry)
			}
		}
		if entry.Path == "llm.provider" && (entry.Layer != "host file" || entry.Value != "echo") {
			t.Errorf("%+v", entry)
		}
	}
	if !found || e.Tenant != "a" || e.Revision == "" {
		t.Errorf("%+v", e)
	}
	s.call("GET", "/admin/v1/tenants/a", nil, "", 404, nil)
	s.refuse(refusal{"", "PUT", "/admin/v1/tenants/a?dry_run=yes", nil, "{}", 400, fault.Invalid, "dry_run", "true or false"})
	s.refuse(refusal{"", "PUT", "/admin/v1/tenants/a?dry-run=true", nil, "{}", 400, fault.Invalid, "dry-run", ""})
	s.call("GET", "/admin/v1/tenants/a", nil, "", 404, nil)
}

func TestPutTenant_invalid(t *testing.T) {
	s := serve(t, Options{})
	s.call("PUT", "/admin/v1/tenants/a", nil, prompt, 201, nil)
	body := "{\n \"memory\": {\"type\": \"buffr\"},\n \"llm\": {\"modl\": 1},\n \"listen\": \"x\",\n \"prompts\": {\"system\": 7}}"
	p := s.refuse(refusal{"", "PUT", "/admin/v1/tenants/a", nil, body, 422, fault.Invalid, "", "4 problems"})
	for i, want := range []ConfigProblem{
		{Line: 2, Column: 13, Path: "memory.type", Pointer: "/memory/type"}, {Line: 3, Column: 10, Path: "llm.modl"},
		{Line: 4, Column: 2, Path: "listen"}, {Line: 5, Column: 14, Path: "prompts.system"},
	} {
		if got := p.Problems[i]; got.File != "body" || got.Line != want.Line || got.Column != want.Column || got.Path != want.Path || got.Message == "" || want.Pointer != "" && got.Pointer != want.Pointer {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, c := range []refusal{
		{"", "PUT", "/admin/v1/tenants/a", nil, "{", 400, fault.Invalid, "", "not a configuration in JSON"},
		{"", "PUT", "/admin/v1/tenants/a", nil, `{"llm":{},"llm":{}}`, 400, fault.Invalid, "", ""},
		{"", "PUT", "/admin/v1/tenants/a", nil, "[]", 400, fault.Invalid, "", ""},
		{"", "PUT", "/admin/v1/tenants/a", nil, "\xff", 400, fault.Invalid, "", "UTF-8"},
		{"", "PUT", "/admin/v1/tenants/a", nil, `{"x":"` + strings.Repeat("x", maxTenantBody) + `"}`, 413, fault.Invalid, "", ""},
		{"", "PUT", "/admin/v1/tenants/a", headers{"Content-Type": "application/hcl"}, "{}", 415, fault.Invalid, "Content-Type", ""},
		{"", "PUT", "/admin/v1/tenants/" + strings.Repeat("x", 65), nil, "{}", 400, fault.Invalid, "id", "not a tenant id"},
		{"", "PUT", "/admin/v1/tenants/%2e%2e%2fetc", nil, "{}", 400, fault.Invalid, "id", "not a tenant id"},
		{"", "GET", "/admin/v1/tenants/a%2fb", nil, "", 400, fault.Invalid, "id", "not a tenant id"},
		{"", "DELETE", "/admin/v1/tenants/a%00", nil, "", 400, fault.Invalid, "id", "control characters"},
		{"", "POST", "/admin/v1/tenants/a/rollback", nil, `{}`, 400, fault.Invalid, "version", "is missing"},
		{"", "POST", "/admin/v1/tenants/a/rollback", nil, `{"version":0}`, 400, fault.Invalid, "version", "is missing"},
		{"", "GET", "/admin/v1/tenants/nobody", nil, "", 404, fault.NotFound, "", "nobody"},
		{"", "GET", "/admin/v1/tenants/nobody/config", nil, "", 404, fault.NotFound, "", "nobody"},
		{"", "PUT", "/admin/v1/tenants/k", nil, `{"knowledge_base":{"enabled":true}}`, 422, fault.Invalid, "", ""},
		{"", "PUT", "/admin/v1/tenants/k", nil, `{"prompts":{"system":"${file:/etc/passwd}"}}`, 422, fault.Invalid, "", ""},
	} {
		s.refuse(c)
	}
	if r := s.chat("a", "c", "m"); !strings.Contains(r.Reply, "You are A.") {
		t.Errorf("%+v", r)
	}
	var list Tenants
	if s.get("/admin/v1/tenants", &list); len(list.Tenants) != 1 || list.Tenants[0].Error != "" {
		t.Errorf("%+v", list)
	}
}
