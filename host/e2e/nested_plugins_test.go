package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// embedder is a fake Ollama server that embeds and generates, and records what it was sent.
type embedder struct {
	url  string
	mu   sync.Mutex
	seen []string // path and API key of each request
}

func serveEmbedder(t *testing.T) *embedder {
	e := &embedder{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.seen = append(e.seen, r.URL.Path+" "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		e.mu.Unlock()
		switch r.URL.Path {
		case "/api/embed":
			var req struct{ Input []string }
			if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			vectors := strings.TrimSuffix(strings.Repeat("[1,0,0],", len(req.Input)), ",")
			_, _ = w.Write([]byte(`{"model":"m","embeddings":[` + vectors + `],"prompt_eval_count":4}`))
		case "/api/chat":
			w.Header().Set("Content-Type", "application/x-ndjson")
			_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"written"},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":7}` + "\n"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	e.url = s.URL
	return e
}

// sent returns the requests for replies and embeddings since the last call of sent.
func (e *embedder) sent() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	seen := slices.DeleteFunc(e.seen, func(s string) bool { return !strings.HasPrefix(s, "/api/chat") && !strings.HasPrefix(s, "/api/embed") })
	e.seen = nil
	return seen
}

// startRecall runs a host whose memory is the plugin recall, which has a nested embedder and a nested
// writer. It answers a message with the number and the length of the vectors of its words, or, if the
// first word is "generate", with what the writer writes.
func startRecall(t *testing.T, e *embedder, more string) *hostProcess {
	t.Helper()
	host := prepareRecall(t, `
defaults {
  llm { provider = "echo" }
  memory {
    type = "recall"
    embedder {
      provider = "ollama"
      model    = "m"
      base_url = "`+e.url+`"
      api_key  = "inherited-key"
    }
    writer {
      provider = "echo"
    }
  }
}
`+more, nil)
	host.runUntilTheEnd()
	return host
}

// prepareRecall is prepareHost with the memory plugin recall beside the other plugins.
func prepareRecall(t *testing.T, config string, tenants map[string]string) *hostProcess {
	t.Helper()
	host := prepareHost(t, "", tenants)
	dir := filepath.Join(host.dir, "more-plugins")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "botyard-memory-recall"), "../plugins/internal/callbackplugin").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\", \""+dir+"\"]\ntenant_dirs = [\"tenants\"]\n"+config)
	return host
}

// callbacksOf returns the callbacks that the record of a tenant's turn has, by role.
func (host *hostProcess) callbacksOf(tenant, conversation, turn string) map[string]map[string]int64 {
	host.t.Helper()
	a := host.do("GET", "/admin/v1/tenants/"+tenant+"/conversations/"+conversation+"/turns/"+turn, "")
	var shown struct {
		Turn struct {
			Record struct {
				Callbacks map[string]map[string]int64
			}
		}
	}
	if err := json.Unmarshal(a.Body, &shown); err != nil || a.Status != 200 {
		host.t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	return shown.Turn.Record.Callbacks
}

// TestNestedPlugins_turn checks that a memory reaches the nested plugins of its tenant in a turn over
// HTTP, that the turn's record counts it, and that the settings of tenants hold in nested blocks.
func TestNestedPlugins_turn(t *testing.T) {
	t.Parallel()
	e, other := serveEmbedder(t), serveEmbedder(t)
	host := startRecall(t, e, "")
	recalls := func(tenant, conversation, message, want string) {
		t.Helper()
		if a := host.mustChat(tenant, conversation, message); !strings.Contains(a.Reply, `the first: "`+want+`"`) {
			t.Errorf("%s: %q gives %s; want %s", tenant, message, a.Reply, want)
		}
	}
	sent := func(by *embedder, want ...string) {
		t.Helper()
		if got := by.sent(); !slices.Equal(got, want) {
			t.Errorf("a server was sent %q; want %q", got, want)
		}
	}
	host.put("a", `{"prompts":{"system":"x"}}`)
	recalls("a", "c", "one two", "2 vectors of 3")
	sent(e, "/api/embed inherited-key")
	if got := host.callbacksOf("a", "c", "1"); got["embedding"]["calls"] != 1 || got["embedding"]["failed"] != 0 || got["embedding"]["input_tokens"] != 4 || len(got) != 1 {
		t.Errorf("the record of the first turn has the callbacks %v", got)
	}
	host.put("b", `{"memory":{"writer":{"provider":"ollama","model":"m","base_url":"`+other.url+`","api_key":"key-of-b"}}}`)
	recalls("b", "c", "generate a b", "written 7")
	sent(other, "/api/chat key-of-b")
	if got := host.callbacksOf("b", "c", "1"); got["llm"]["calls"] != 1 || got["llm"]["output_tokens"] != 7 || len(got) != 1 {
		t.Errorf("the record of a turn of b has the callbacks %v", got)
	}

	// The secret of a nested block follows its endpoint, and no tenant has the block of another.
	host.put("c", `{"memory":{"embedder":{"base_url":"`+other.url+`"}}}`)
	recalls("c", "c", "one", "1 vectors of 3")
	sent(other, "/api/embed ")
	sent(e)
	host.put("d", `{"memory":{"embedder":{"provider":"echo"}}}`)
	recalls("d", "c", "one", "1 vectors of 64")
	recalls("a", "c", "generate say this", "You said: \"say this\". I have no instructions. I was shown no earlier messages. 14")
	sent(other)

	for document, want := range map[string]string{
		`{"memory":{"embedder":{"provider":"nobody"}}}`:             `memory.embedder.provider`,
		`{"memory":{"embedder":{"modle":"m"}}}`:                     `memory.embedder.modle`,
		`{"memory":{"writer":{"provider":"recall"}}}`:               `memory.writer.provider`,
		`{"memory":{"type":"buffer","writer":{"provider":"echo"}}}`: `memory.writer`,
	} {
		if a := host.do("PUT", "/admin/v1/tenants/e", document); a.Status != 422 || !strings.Contains(string(a.Body), want) {
			t.Errorf("%s gives %d %s; want %s", document, a.Status, a.Body, want)
		}
	}
	for _, path := range []string{"/admin/v1/tenants/b", "/admin/v1/tenants/b/config"} {
		if a := host.do("GET", path, ""); a.Status != 200 || strings.Contains(string(a.Body), "key-of-b") || strings.Contains(string(a.Body), "inherited-key") {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
		}
	}
	for _, secret := range []string{"key-of-b", "inherited-key"} {
		if strings.Contains(host.log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

// TestNestedPlugins_policy checks that the tenant policy and the rules for addresses hold in nested
// blocks of what a tenant sets itself.
func TestNestedPlugins_policy(t *testing.T) {
	t.Parallel()
	e, own := serveEmbedder(t), serveEmbedder(t)
	host := startRecall(t, e, `
tenant_policy {
  keys    = ["*", "memory.embedder.base_url", "memory.embedder.api_key"]
  plugins = { llm = ["ollama"] }
}
egress {
  allow = ["`+strings.TrimPrefix(own.url, "http://")+`"]
}
`)
	host.put("a", `{"prompts":{"system":"x"}}`)
	for document, want := range map[string]string{
		`{"memory":{"writer":{"provider":"openai"}}}`:                   `memory.writer.provider: `,
		`{"memory":{"writer":{"api_key":"sk-of-the-tenant"}}}`:          `memory.writer.api_key: may not be set by the tenant itself`,
		`{"memory":{"embedder":null}}`:                                  `memory.embedder: would remove what the operator selects`,
		`{"memory":{"embedder":{"base_url":"http://127.0.0.1:9"}}}`:     `memory.embedder.base_url: 127.0.0.1 is a loopback address`,
		`{"memory":{"embedder":{"base_url":"` + e.url + `"}}}`:          `memory.embedder.base_url: 127.0.0.1 is a loopback address`,
		`{"memory":{"embedder":{"base_url":"http://169.254.169.254"}}}`: `memory.embedder.base_url: 169.254.169.254 is the address of a cloud's metadata`,
		`{"memory":{"embedder":{"headers":{"X-Key":"sent"}}}}`:          `memory.embedder.headers`,
	} {
		a := host.do("PUT", "/admin/v1/tenants/a?as=tenant", document)
		var refusal struct {
			Problems []struct{ Path, Message string }
		}
		if err := json.Unmarshal(a.Body, &refusal); err != nil || a.Status != 422 || len(refusal.Problems) != 1 ||
			!strings.HasPrefix(refusal.Problems[0].Path+": "+refusal.Problems[0].Message, want) {
			t.Errorf("%s gives %d %s; want %s", document, a.Status, a.Body, want)
		}
	}
	turn := func() string {
		t.Helper()
		a := host.chat("a", "c", "one two")
		if a.Status != 200 {
			return a.Class
		}
		_, first, _ := strings.Cut(a.Reply, `the first: `)
		return first
	}
	if got := turn(); got != `"2 vectors of 3".` {
		t.Errorf("with the operator's settings a turn gives %s", got)
	}
	if got := e.sent(); !slices.Equal(got, []string{"/api/embed inherited-key"}) {
		t.Errorf("the operator's server was sent %q", got)
	}
	host.putOwn("a", `{"memory":{"embedder":{"base_url":"`+own.url+`","api_key":"key-of-a"}}}`)
	if got := turn(); got != `"2 vectors of 3".` {
		t.Errorf("with a server of its own a turn gives %s", got)
	}
	if got := own.sent(); !slices.Equal(got, []string{"/api/embed key-of-a"}) {
		t.Errorf("the tenant's server was sent %q", got)
	}
	if got := e.sent(); len(got) > 0 {
		t.Errorf("the operator's server was sent %q", got)
	}
}
