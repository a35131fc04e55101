package api

import (
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

// TestGetTenant_configOfTheSameRevision checks that the explained configuration comes from the
// newest documents, even if the previous documents have the same revision.
func TestGetTenant_configOfTheSameRevision(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"data_dir": t.TempDir(),
		"registry": map[string]any{"storage": map[string]any{"backend": "memory"}},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
		"plan":     map[string]any{"open": map[string]any{"tenant_policy": map[string]any{"keys": []any{"conversations.owner"}}}},
	}})
	const path = "/admin/v1/tenants/a"
	var before, after Tenant
	s.call("PUT", path, nil, `{}`, 201, nil)
	s.get(path, &before) // from here on the host has the tenant in memory
	s.call("PUT", path, nil, `{"plan":"open"}`, 200, &after)
	if before.Revision != after.Revision {
		t.Error("the plan changed the revision")
	}
	var e Effective
	s.get(path+"/config", &e)
	may := map[string]string{}
	for _, entry := range e.Config {
		may[entry.Path] = entry.TenantMay
	}
	if may["plan"] != "no" || may["conversations.owner"] != "set" {
		t.Errorf("%v", may)
	}
}
