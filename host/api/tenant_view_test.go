package api

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
)

// operatorsFiles is a host whose tenant "a" comes from a file, and which a test changes.
type operatorsFiles struct {
	*testServer
	dir string
}

func serveFiles(t *testing.T) *operatorsFiles {
	f := &operatorsFiles{dir: t.TempDir()}
	f.write("key", "sk-of-the-operator")
	f.write("botyard.hcl", `
data_dir    = "data"
tenant_dirs = ["tenants"]
registry {
  storage {
    backend = "memory"
  }
}
limits {
  message_bytes = 4000
}
tenant_policy {
  keys = ["memory.*", "limits.*", "prompts.*"]
}
defaults {
  llm {
    provider = "echo"
    api_key  = file("key")
  }
}
`)
	f.write("tenants/a.hcl", "memory {\n  max_messages = 5\n}\nlimits {\n  message_bytes = 3000\n}\n")
	f.testServer = serveHost(t, Options{}, host.Options{ConfigFile: filepath.Join(f.dir, "botyard.hcl")})
	return f
}

// write writes a file and sets its time to the past, so that the host does not wait for further changes
// of the file.
func (f *operatorsFiles) write(name, text string) {
	path := filepath.Join(f.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour))
	}
	if err != nil {
		panic(err)
	}
}

// until waits until the operator's view of the tenant contains the text.
func (f *operatorsFiles) until(text string) {
	f.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := f.body("GET", "/admin/v1/tenants/a", "")
		if strings.Contains(got, text) {
			return
		}
		if time.Now().After(end) {
			f.Fatalf("the operator's view never had %q: %s", text, got)
		}
	}
}

// body returns the body of an answer with any status.
func (f *operatorsFiles) body(method, path, body string) string {
	f.Helper()
	resp := f.request(method, path, nil, body)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// TestTenantView_namesNoFile checks that no answer to a request with as=tenant names a file of the
// operator. It fails if it does not check a route that has the parameter "as". It compares with the
// answers for the operator, which name files, so that there is something to leave out.
func TestTenantView_namesNoFile(t *testing.T) {
	f := serveFiles(t)
	const path = "/admin/v1/tenants/a"
	f.call("PUT", path+"?as=tenant", nil, `{"limits":{"message_bytes":2000}}`, 201, nil)
	requests := []struct{ method, route, query, body string }{
		{"GET", "", "", ""},
		{"GET", "/config", "", ""},
		{"POST", "/check", "", ""},
		{"PUT", "", "&dry_run=true", `{"memory":{"max_messages":3}}`},
		{"PUT", "", "&dry_run=true", `{"limits":{"message_bytes":3500}}`}, // above the tenant's file
		{"PUT", "", "&dry_run=true", `{"llm":{"provider":"other"}}`},      // the policy lists no plugins
		{"PUT", "", "&dry_run=true", `{"llm":{"reply":"hi"}}`},            // the policy does not name the key
		{"PUT", "", "&dry_run=true", `{"memory":{"max_messages":[]}}`},    // a wrong type
		{"PUT", "", "&dry_run=true", `{"limits":{"message_bytes":5000}}`}, // above the host's limit
		{"PATCH", "", "&dry_run=true", `{"limits":{"message_bytes":3500}}`},
		{"POST", "/rollback", "", `{"version":1}`},
		{"POST", "/rollback", "", `{"version":99}`},
		{"PUT", "", "", `{"limits":{"message_bytes":2000},"memory":{"max_messages":3}}`},
		{"PATCH", "", "", `{"limits":{"message_bytes":2000},"memory":{"max_messages":null}}`},
	}
	operatorsNamed := 0
	check := func(t *testing.T, state string) {
		for _, r := range requests {
			t.Run(fmt.Sprint(state, ": ", r.method, r.route, r.query, r.body), func(t *testing.T) {
				s := *f
				s.testServer = f.in(t)
				got := s.body(r.method, path+r.route+"?as=tenant"+r.query, r.body)
				for _, secret := range []string{f.dir, ".hcl", "sk-of", "dir_of"} {
					if strings.Contains(got, secret) {
						t.Errorf("%q is in %s", secret, got)
					}
				}
				if got == "" {
					t.Error("no body")
				}
				if r.method == "GET" {
					if strings.Contains(s.body(r.method, path+r.route, ""), f.dir) {
						operatorsNamed++
					}
				}
			})
		}
	}
	check(t, "in order")
	f.write("tenants/a.hcl", "memory {\n  max_messages = 5\n}\nlimits {\n  message_bytes = 1000\n}\n")
	f.until(`"held":true`)
	check(t, "held")
	f.write("tenants/a.hcl", "memori {\n}\n")
	f.until(`"error":`)
	check(t, "invalid file")
	if err := os.Remove(filepath.Join(f.dir, "key")); err != nil {
		t.Fatal(err)
	}
	f.write("tenants/a.hcl", "memory {\n  max_messages = 6\n}\n")
	f.until("missing_secret")
	check(t, "missing secret")
	f.write("key", "sk-of-the-operator")
	f.write("tenants/a.hcl", "memory {\n  max_messages = 5\n}\n")
	f.until(`"held":false`)
	f.request("DELETE", path+"?as=tenant", nil, "")
	check(t, "without own settings")
	if got := f.body("DELETE", path+"?as=tenant", ""); strings.Contains(got, f.dir) {
		t.Errorf("%s", got)
	}
	if operatorsNamed < 6 {
		t.Errorf("the operator's answers named files %d times: this test looks at nothing", operatorsNamed)
	}
	for pattern, methods := range f.server.routes() {
		for method, ro := range methods {
			checked := method == "DELETE"
			for _, r := range requests {
				checked = checked || r.method == method && "/admin/v1/tenants/{id}"+r.route == pattern
			}
			if slices.Contains(ro.query, "as") && !checked {
				t.Errorf("%s %s takes the parameter as, and this test does not check it", method, pattern)
			}
		}
	}
}

// TestTenantView_config checks which keys of its effective configuration a tenant sees.
func TestTenantView_config(t *testing.T) {
	f := serveFiles(t)
	f.call("PUT", "/admin/v1/tenants/a?as=tenant", nil, `{"prompts":{"system":"I am a."}}`, 201, nil)
	view := func(query string) map[string]Entry {
		var e Effective
		f.get("/admin/v1/tenants/a/config"+query, &e)
		out := map[string]Entry{}
		for _, entry := range e.Config {
			out[entry.Path] = entry
		}
		return out
	}
	operators, tenants := view(""), view("?as=tenant")
	if len(operators) != len(tenants) || len(tenants) == 0 {
		t.Errorf("%d keys, and %d for the operator", len(tenants), len(operators))
	}
	if own := tenants["prompts.system"]; own.Value != "I am a." || own.File == "" || own.Withheld {
		t.Errorf("an own key: %+v", own)
	}
	if inherited := tenants["memory.max_messages"]; inherited.Value != 5.0 || inherited.File != "" || inherited.Line != 0 || inherited.Withheld || inherited.Layer != "tenant" {
		t.Errorf("an inherited key that the tenant may set: %+v", inherited)
	}
	if other := tenants["llm.provider"]; other.Value != nil || !other.Withheld || other.File != "" || other.Rule == "" {
		t.Errorf("a key of the operator: %+v", other)
	}
	if other := operators["llm.provider"]; other.Value != "echo" || other.Withheld || !strings.Contains(other.File, "botyard.hcl") {
		t.Errorf("the operator sees %+v", other)
	}
}

// TestProblemForTenant checks that a problem for a tenant has the places of its own document, and
// neither those of the operator's files nor the words of an upstream.
func TestProblemForTenant(t *testing.T) {
	p := ProblemForTenant(config.Problems{
		{Pos: config.Pos{File: bodyName, Line: 3, Column: 4}, Message: "one"},
		{Pos: config.Pos{File: tenantstore.OwnName}, Message: "two"},
		{Pos: config.Pos{File: "/etc/botyard/botyard.hcl", Line: 5, Column: 6}, Message: "three", Mend: "botyard plugin install"},
	})
	want := []ConfigProblem{{File: "body", Line: 3, Column: 4, Message: "one"}, {File: "own settings", Message: "two"}, {Message: "three"}}
	if !slices.Equal(p.Problems, want) {
		t.Errorf("got %+v", p.Problems)
	}
	down := fault.New(fault.PluginUnavailable, "dial tcp 10.1.2.3:5432: refused")
	down.Origin = fault.OriginPlugin
	if p := ProblemForTenant(down); strings.Contains(p.Detail, "10.1.2.3") || p.Class != "plugin_unavailable" {
		t.Errorf("%+v", p)
	}
}
