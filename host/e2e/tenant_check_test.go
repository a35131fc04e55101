package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/api"
	"github.com/botyard/botyard/pgtest"
)

// serveKeyedOllama serves a fake Ollama server that accepts one key, has the model "there", and never
// answers about the model "silent".
func serveKeyedOllama(t *testing.T, key string) (url string) {
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		var req struct{ Model string }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.URL.Path != "/api/show" {
			http.NotFound(w, r)
			return
		}
		switch got := r.Header.Get("Authorization"); {
		case got != "Bearer "+key:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"%s is no key of ours"}`, got)
		case req.Model == "silent":
			select {
			case <-end:
			case <-r.Context().Done():
			}
		case req.Model != "there":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"error":"model '%s' not found"}`, req.Model)
		default:
			_, _ = w.Write([]byte(`{"modelfile":"FROM there","details":{"family":"f"}}`))
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(end) })
	return s.URL
}

// checked checks the instances of a tenant over the API.
func (host *hostProcess) checked(tenant string) (api.InstanceChecks, map[string]api.InstanceCheck) {
	host.t.Helper()
	a := host.do("POST", "/admin/v1/tenants/"+tenant+"/check", "")
	var found api.InstanceChecks
	if err := json.Unmarshal([]byte(a.Body), &found); err != nil || a.Status != 200 {
		host.t.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	of := map[string]api.InstanceCheck{}
	for _, i := range found.Instances {
		of[i.Block] = i
	}
	return found, of
}

// TestTenantCheck checks what an operator is told about a model whose key, name or server is wrong, and
// about a database that goes away and comes back.
func TestTenantCheck(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{TCP: true})
	dsn := c.DSN(newDatabase(t, c))
	url := serveKeyedOllama(t, "right-key-123456")
	host := start(t, "", nil)
	settings := func(llm string) string {
		return fmt.Sprintf(`{"llm": {"provider": "ollama", "base_url": %q, %s}, "memory": {"type": "buffer"}, "conversation_storage": {"backend": "postgres", "dsn": %q}}`, url, llm, dsn)
	}
	host.put("fine", settings(`"model": "there", "api_key": "right-key-123456"`))
	host.put("key", settings(`"model": "there", "api_key": "wrong-key-123456"`))
	host.put("model", settings(`"model": "absent", "api_key": "right-key-123456"`))
	host.put("away", strings.ReplaceAll(settings(`"model": "there"`), url, "http://127.0.0.1:1"))
	host.put("silent", settings(`"model": "silent", "api_key": "right-key-123456"`))

	if found, of := host.checked("fine"); !found.OK || len(of) != 3 {
		t.Errorf("a tenant that works: %+v", found)
	}
	for tenant, want := range map[string]struct{ class, path, message string }{
		"key":    {"unauthenticated", "llm.api_key", "does not accept the api_key"},
		"model":  {"not_found", "llm.model", "ollama pull absent"},
		"away":   {"provider_failed", "llm.base_url", "nothing listens at 127.0.0.1:1"},
		"silent": {"deadline", "llm.base_url", "did not answer in time"},
	} {
		t.Run(tenant, func(t *testing.T) {
			found, of := host.checked(tenant)
			got := of["llm"]
			if found.OK || got.State != api.StateFailed || got.Class != want.class || got.Path != want.path || !strings.Contains(got.Message, want.message) || got.Remedy == "" {
				t.Errorf("got %+v", got)
			}
			if of["conversation_storage"].State != api.StateOK || of["memory"].State != api.StateOK {
				t.Errorf("the others: %+v", of)
			}
		})
	}
	out, err := host.cli("tenant", "check", "key")
	if status(err) != 3 || !strings.Contains(out, "llm: unauthenticated: llm.api_key: ") || strings.Contains(out, "wrong-key") {
		t.Errorf("exit status %d:\n%s", status(err), out)
	}

	pgtest.Check(t, c.Stop(pgtest.Immediate))
	if found, of := host.checked("fine"); found.OK || of["conversation_storage"].State != api.StateFailed ||
		of["conversation_storage"].Class != "provider_failed" || of["llm"].State != api.StateOK {
		t.Errorf("without its database: %+v", found)
	}
	pgtest.Check(t, c.StartAgain(t.Context()))
	if found, _ := host.checked("fine"); !found.OK {
		t.Errorf("the database came back: %+v", found)
	}
}

// TestTenantCheck_nested checks that nested plugins are checked too, and that a plugin that cannot say
// whether it works is no failure.
func TestTenantCheck_nested(t *testing.T) {
	t.Parallel()
	host := prepareRecall(t, `
defaults {
  llm { provider = "echo" }
  memory {
    type = "recall"
    embedder {
      provider = "ollama"
      model    = "there"
      base_url = "`+serveKeyedOllama(t, "right-key-123456")+`"
      api_key  = "right-key-123456"
    }
    writer {
      provider = "echo"
    }
  }
}
`, map[string]string{"a.hcl": "", "b.hcl": "memory {\n  embedder {\n    model = \"absent\"\n  }\n}\n"})
	host.runUntilTheEnd()
	found, of := host.checked("a")
	if !found.OK || len(of) != 5 || of["memory"].State != api.StateUnknown || of["memory.embedder"].State != api.StateOK || of["memory.writer"].State != api.StateOK {
		t.Errorf("got %+v", found)
	}
	found, of = host.checked("b")
	if got := of["memory.embedder"]; found.OK || got.Class != "not_found" || got.Path != "memory.embedder.model" {
		t.Errorf("got %+v", found)
	}
}

// TestConfigCheck_registryStorage checks that what only the plugin of registry.storage can find is
// reported with its position, before a host starts.
func TestConfigCheck_registryStorage(t *testing.T) {
	t.Parallel()
	host := newFolder(t, "data_dir = \"data\"\nregistry {\n  storage {\n    backend = \"postgres\"\n    dsn = \"host=127.0.0.1 port=nowhere\"\n  }\n}\n")
	for _, command := range [][]string{{"config", "check"}, {"serve", "--listen", "127.0.0.1:0"}} {
		out, err := host.command(append(command, "--config", filepath.Join(host.dir, "botyard.hcl"))...)
		if status(err) != 3 || !strings.Contains(out, "botyard.hcl:7:") || !strings.Contains(out, "registry.storage.dsn: ") {
			t.Errorf("%v: exit status %d:\n%s", command, status(err), out)
		}
	}
}
