package api

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/sdk/fault"
)

func (s *testServer) get(path string, out any) *http.Response {
	s.Helper()
	return s.call("GET", path, nil, "", 200, out)
}

const prompt = `{"prompts":{"system":"You are A."}}`

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
		class := fault.Invalid
		if c.status == 412 {
			class = fault.Conflict
		}
		if p := s.refuse(refusal{"", "PUT", path, c.h, other, c.status, class, c.at, ""}); p.Retryable {
			t.Errorf("%+v", p)
		}
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
		t.Error("putting back what was shown changed the secret")
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
			t.Errorf("%s shows it: %s", path, b.String())
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

// TestListTenants_ofFiles checks the list with a valid file, an invalid file and a registered
// tenant.
func TestListTenants_ofFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// The modification time is in the past, because the host waits before it reads a recently
		// modified file.
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("botyard.hcl", "tenant_dirs = [\"tenants\"]\ndefaults {\n llm {\n  provider = \"echo\"\n }\n}\n")
	good := write("tenants/good.hcl", "prompts {\n system = \"From a file.\"\n}\n")
	bad := write("tenants/bad.yaml", "prompts:\n  sistem: x\nmemory:\n  type: 7\n")
	broken := write("tenants/broken.hcl", "prompts {\n")
	s := serveHost(t, Options{}, host.Options{ConfigFile: file})

	if r := s.chat("good", "c", "m"); !strings.Contains(r.Reply, "From a file.") {
		t.Errorf("%+v", r)
	}
	p := s.refuse(refusal{"", "PUT", "/admin/v1/tenants/good", nil, "{}", 409, fault.Conflict, "tenant", good})
	if p.Retryable {
		t.Errorf("%+v", p)
	}
	s.refuse(refusal{"", "DELETE", "/admin/v1/tenants/good", nil, "", 409, fault.Conflict, "tenant", good})
	for _, path := range []string{bad, broken} {
		id := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		var tenant Tenant
		s.get("/admin/v1/tenants/"+id, &tenant)
		if tenant.Source != path || tenant.Error == "" || len(tenant.Problems) == 0 || tenant.Problems[0].File != path || tenant.Problems[0].Line == 0 || tenant.Revision != "" || tenant.Config != nil {
			t.Errorf("%+v", tenant)
		}
		for _, r := range []refusal{
			{"", "POST", "/api/v1/chat", headers{"X-Tenant-ID": id}, chatBody("c", "m"), 503, fault.Invalid, "", "no valid configuration"},
			{"", "GET", "/admin/v1/tenants/" + id + "/config", nil, "", 503, fault.Invalid, "", "no valid configuration"},
		} {
			// Only the operator gets the reason, because it contains paths and settings.
			told := strings.HasPrefix(r.path, "/admin/")
			if p := s.refuse(r); p.Party != "tenant" || (len(p.Problems) > 0) != told || strings.Contains(p.Detail, path) != told {
				t.Errorf("%+v", p)
			}
		}
	}
	s.get("/readyz", nil)
}
