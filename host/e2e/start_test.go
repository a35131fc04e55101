package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStart_badTenantFiles checks that an invalid tenant file affects neither the start of the host nor
// another tenant.
func TestStart_badTenantFiles(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"good.hcl":      "memory {\n  max_messages = 4\n}\n",
		"syntax.hcl":    "memory {\n  max_messages = \n}\n",
		"unknown.yaml":  "memory:\n  max_mesages: 4\n  type: buffer\n",
		"typed.yaml":    "memory:\n  max_messages: four\n",
		"plugin.hcl":    "llm {\n  provider = \"nope\"\n}\n",
		"secret.hcl":    "llm {\n  api_key = env(\"NOT_ALLOWED\")\n}\n",
		"good.yaml":     "memory:\n  max_messages: 5\n",
		"refused.hcl":   "llm {\n  fail {\n    class = \"nonsense\"\n  }\n}\n",
		"two.hcl":       "listen = \"x\"\nmemory {\n  max_messages = \"x\"\n}\n",
		"not-a-tenant~": "x",
	})
	host.mustChat("good", "c", "hello")
	var list struct {
		Tenants []struct {
			ID, Source, Revision, Error string
			Problems                    []struct {
				File, Path   string
				Line, Column int
			}
		}
	}
	a := host.do("GET", "/admin/v1/tenants", "")
	if err := json.Unmarshal(a.Body, &list); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"good": "", "syntax": "syntax.hcl:2:", "unknown": "unknown.yaml:2:3: memory.max_mesages:", "typed": "typed.yaml:2:3: memory.max_messages:",
		"plugin": "plugin.hcl:2:3: llm.provider:", "secret": "secret.hcl:2:3: llm.api_key:", "two": "two.hcl:1:1: listen:",
		"refused": "refused.hcl:3:5: llm.fail.class:",
	}
	if len(list.Tenants) != len(want) {
		t.Errorf("%d tenants listed: %s", len(list.Tenants), a.Body)
	}
	for _, tenant := range list.Tenants {
		for _, p := range tenant.Problems {
			tenant.Error += fmt.Sprintf("\n%s:%d:%d: %s:", p.File, p.Line, p.Column, p.Path)
		}
		if (tenant.Error == "") != (want[tenant.ID] == "") || !strings.Contains(tenant.Error, want[tenant.ID]) {
			t.Errorf("%s: error %q; want %q", tenant.ID, tenant.Error, want[tenant.ID])
		}
		if tenant.ID == "two" && !strings.Contains(tenant.Error, "two.hcl:3:") {
			t.Errorf("only the first problem is told: %q", tenant.Error)
		}
		if tenant.ID != "good" {
			if a := host.chat(tenant.ID, "c", "x"); a.Status != 503 || strings.Contains(string(a.Body), host.dir) {
				t.Errorf("%s answers %d %s", tenant.ID, a.Status, a.Body)
			}
		}
	}
	if a := host.do("PUT", "/admin/v1/tenants/good", `{"memory":{"max_messages":9}}`); a.Status != 409 || !strings.Contains(a.Detail, "good.hcl") {
		t.Errorf("PUT over a file's tenant: %d %s", a.Status, a.Body)
	}
	if a := host.do("DELETE", "/admin/v1/tenants/good", ""); a.Status != 409 {
		t.Errorf("DELETE of a file's tenant: %d %s", a.Status, a.Body)
	}
}

// TestStart_refused checks that the error of a refused start says what the operator must change.
func TestStart_refused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for name, c := range map[string]struct {
		config string
		args   []string
		want   []string
	}{
		"busy port":        {echoDefaults, []string{"--listen", l.Addr().String()}, []string{"--listen", l.Addr().String()}},
		"not loopback":     {echoDefaults, []string{"--listen", "0.0.0.0:0"}, []string{"loopback", "0.0.0.0"}},
		"auth":             {"auth {\n  mode = \"tokens\"\n}\n" + echoDefaults, nil, []string{"botyard.hcl:4:3: auth.mode", "none"}},
		"typo":             {"lisen = \"127.0.0.1:0\"\n" + echoDefaults, nil, []string{"botyard.hcl:3:1: lisen", "listen"}},
		"unknown provider": {"defaults {\n  llm {\n    provider = \"nope\"\n  }\n}\n", nil, []string{"botyard.hcl:5:5: defaults.llm.provider", "echo"}},
		"two problems":     {"shutdown_grace = \"x\"\nlisen = 1\n" + echoDefaults, nil, []string{"shutdown_grace", "lisen"}},
		"no such folder":   {"", []string{"--tenant-dir", "/nonexistent"}, []string{"/nonexistent"}},
	} {
		t.Run(name, func(t *testing.T) {
			host := &hostProcess{t: t, dir: t.TempDir()}
			host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\n\n"+c.config)
			cmd := exec.Command(filepath.Join(binaries, "botyard"), append([]string{"serve", "--config", filepath.Join(host.dir, "botyard.hcl"), "--listen", "127.0.0.1:0"}, c.args...)...)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("it started:\n%s", out)
			}
			for _, w := range c.want {
				if !strings.Contains(string(out), w) {
					t.Errorf("the message does not have %q:\n%s", w, out)
				}
			}
		})
	}
}
