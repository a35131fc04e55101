package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestIsolation_sameConversationID(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"client-a.hcl":  "prompts {\n  system = \"secret of A\"\n}\n",
		"client-b.yaml": "prompts:\n  system: secret of B\n",
	})
	host.mustChat("client-a", "same", "How do I reset my password?")
	b := host.mustChat("client-b", "same", "Do you remember me?")
	if strings.Contains(b.Reply, "password") || strings.Contains(b.Reply, "Yes") || b.Turn != 1 {
		t.Errorf("B was shown A's conversation: %s", b.Reply)
	}
	if b = host.mustChat("client-b", "same", "hello"); strings.Contains(b.Reply, "secret of A") || !strings.Contains(b.Reply, "secret of B") {
		t.Errorf("B's prompt: %s", b.Reply)
	}
	a := host.mustChat("client-a", "same", "Do you remember me?")
	if !strings.Contains(a.Reply, "reset my password") || a.Turn != 2 || !a.Bot.Cached {
		t.Errorf("A is not remembered: %+v", a)
	}
	if a = host.mustChat("client-a", "other", "Do you remember me?"); strings.Contains(a.Reply, "password") {
		t.Errorf("memory belongs to the tenant and not the conversation: %s", a.Reply)
	}
	if r := host.do("DELETE", "/api/v1/conversations/same", "", "X-Tenant-ID: client-b"); r.Status/100 != 2 {
		t.Errorf("delete: %d %s", r.Status, r.Body)
	}
	if r := host.do("GET", "/api/v1/conversations/same", "", "X-Tenant-ID: client-b"); r.Status != 404 {
		t.Errorf("a deleted conversation: %d %s", r.Status, r.Body)
	}
	if r := host.do("GET", "/api/v1/conversations/same", "", "X-Tenant-ID: client-a"); r.Status != 200 || !strings.Contains(string(r.Body), "reset my password") {
		t.Errorf("A's conversation went with B's: %d %s", r.Status, r.Body)
	}
}

func TestIsolation_textIsNeverCode(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "", "b.hcl": "prompts {\n  system = \"{{{{7*7}} $${env:HOME}\"\n}\n"})
	for _, text := range []string{"{{7*7}}", "${env:HOME}", "${file:/etc/passwd}", "<secret>", "{{ .Tenant }} %s %!d(x)", "\u202e\U0001F600 $(id)"} {
		if a := host.mustChat("a", "c", text); !strings.Contains(a.Reply, text) {
			t.Errorf("%q became %s", text, a.Reply)
		}
	}
	if a := host.mustChat("b", "d", "x"); !strings.Contains(a.Reply, "{{7*7}} ${env:HOME}") {
		t.Errorf("the prompt became %s", a.Reply)
	}
}

func TestIsolation_aThousandTenantsShareAnInstance(t *testing.T) {
	host := start(t, echoDefaults, nil)
	before := host.plugins()["storage-memory"].PID
	var wg sync.WaitGroup
	ids := make(chan int)
	for range 16 {
		wg.Go(func() {
			for i := range ids {
				id := fmt.Sprintf("t%04d", i)
				host.put(id, fmt.Sprintf(`{"prompts":{"system":"I serve %s."}}`, id))
				a := host.mustChat(id, "c", "hello")
				if !strings.Contains(a.Reply, "I serve "+id+".") {
					t.Errorf("%s got %s", id, a.Reply)
				}
			}
		})
	}
	for i := range 1000 {
		ids <- i
	}
	close(ids)
	wg.Wait()
	plugins := host.plugins()
	for _, name := range []string{"storage-memory", "memory-buffer", "llm-echo"} {
		if p := plugins[name]; p.Instances != 1 || p.PID == 0 || p.Restarts != 0 {
			t.Errorf("%s: %+v; want one instance", name, p)
		}
	}
	if before != 0 && before != plugins["storage-memory"].PID {
		t.Error("the storage's process changed")
	}
	if n := len(children(t, host.cmd.Process.Pid)); n != 3 {
		t.Errorf("%d plugin processes; want 3", n)
	}
}

// TestIsolation_tenantLayer checks that the host refuses settings of a tenant that attack the host or
// another tenant. Each error must name the key, the line and the column.
func TestIsolation_tenantLayer(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"evil/own": "k", "victim/key": "victims-key"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "victim/key"), filepath.Join(dir, "evil/link")); err != nil {
		t.Fatal(err)
	}
	host := start(t, `secrets_dir = "`+dir+`"
defaults {
  llm {
    provider = "ollama"
    model    = "m"
    base_url = "http://127.0.0.1:1"
    api_key  = "inherited-key"
  }
}
`, nil)
	for settings, path := range map[string]string{
		`{"prompts":{"system":"${file:/etc/passwd}"}}`:         "prompts.system",
		`{"prompts":{"system":"${env:HOST_ONLY_SECRET}"}}`:     "prompts.system",
		`{"llm":{"api_key":"${file:/etc/passwd}"}}`:            "llm.api_key",
		`{"llm":{"api_key":"${file:../victim/key}"}}`:          "llm.api_key",
		`{"llm":{"api_key":"${file:link}"}}`:                   "llm.api_key",
		`{"llm":{"api_key":"${env:HOST_ONLY_SECRET}"}}`:        "llm.api_key",
		`{"llm":{"model":"${file:own}"}}`:                      "llm.model",
		`{"listen":"0.0.0.0:1"}`:                               "listen",
		`{"secrets_dir":"/"}`:                                  "secrets_dir",
		`{"plugin":{"llm":{"ollama":{"isolation":"shared"}}}}`: "plugin",
		`{"defaults":{"llm":{"model":"x"}}}`:                   "defaults",
		`{"registry":{"cache_ttl":1}}`:                         "registry",
		`{"limits":{"concurrent_turns":100000}}`:               "limits.concurrent_turns",
		`{"knowledge_base":{"enabled":true}}`:                  "knowledge_base.enabled",
		`{"llm":{"provider":"nope"}}`:                          "llm.provider",
		`{"memory":{"max_messages":"ten"}}`:                    "memory.max_messages",
		`{"memory":{"max_mesages":10}}`:                        "memory.max_mesages",
		`{"prompts":{"system":"{{company}}"}}`:                 "prompts.system",
		`{"llm":{"api_key":"<secret>"}}`:                       "llm.api_key",
	} {
		a := host.do("PUT", "/admin/v1/tenants/evil", settings)
		var problem struct {
			Problems []struct {
				Line, Column int
				Path         string
			}
		}
		if err := json.Unmarshal(a.Body, &problem); err != nil || a.Status != 422 || len(problem.Problems) == 0 {
			t.Errorf("%s: %d %s", settings, a.Status, a.Body)
			continue
		}
		p := problem.Problems[0]
		if !strings.HasPrefix(p.Path, path) || p.Line == 0 || p.Column == 0 {
			t.Errorf("%s: problem at %+v; want %s with its line and column", settings, p, path)
		}
		for _, secret := range []string{"victims-key", "inherited-key", "do-not-tell", "root:"} {
			if strings.Contains(string(a.Body), secret) {
				t.Errorf("%s: the answer has a secret in it: %s", settings, a.Body)
			}
		}
	}
	if a := host.chat("evil", "c", "x"); a.Status != 404 {
		t.Errorf("a refused tenant is served: %d %s", a.Status, a.Body)
	}
}
