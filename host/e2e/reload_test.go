package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

// gatedProvider is a fake Ollama server that can hold back its replies. A message that begins with "hold"
// gets its reply only after release. A message that begins with "drip" gets the first token at once and
// the other tokens after release.
type gatedProvider struct {
	url string

	mu     sync.Mutex
	held   int
	open   chan struct{} // closed to release the held replies
	key    string        // API key of the newest request
	tokens int           // num_predict of the newest request
}

func serveGatedProvider(t *testing.T) *gatedProvider {
	g := &gatedProvider{open: make(chan struct{})}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages []struct{ Content string }
			Options  struct {
				Tokens int `json:"num_predict"`
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&req)
		text := ""
		if len(req.Messages) > 0 {
			text = req.Messages[len(req.Messages)-1].Content
		}
		g.mu.Lock()
		g.key, g.tokens = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), req.Options.Tokens
		open := g.open
		g.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		if strings.HasPrefix(text, "drip") {
			_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"first "},"done":false}` + "\n"))
			w.(http.Flusher).Flush()
		}
		if strings.HasPrefix(text, "drip") || strings.HasPrefix(text, "hold") {
			g.count(1)
			defer g.count(-1)
			select {
			case <-open:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	t.Cleanup(s.Close)
	t.Cleanup(g.release)
	g.url = s.URL
	return g
}

func (g *gatedProvider) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += n
}

// holds returns a function that reports whether the provider holds back n replies.
func (g *gatedProvider) holds(n int) func() bool {
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.held == n
	}
}

// release sends all replies that are held back. Later replies are held back again.
func (g *gatedProvider) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
	g.open = make(chan struct{})
}

func (g *gatedProvider) last() (key string, tokens int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.key, g.tokens
}

// reloadCase is a host with a gated provider. The tests change its files and reload them.
type reloadCase struct {
	*hostProcess
	*gatedProvider
	conversations int
}

// soon is the longest that a step of a test may take on a busy machine.
const soon = 30 * time.Second

// file writes the host file. keys are additional keys of the host, and inherited are additional keys of
// the block defaults.
func (r *reloadCase) file(keys, inherited string) {
	r.write("botyard.hcl", fmt.Sprintf(`
plugin_dirs = [%q]
tenant_dirs = ["tenants"]
%s
defaults {
  llm {
    provider = "ollama"
    model    = "m"
    base_url = %q
    parallel = 64
  }
%s
}
`, filepath.Join(binaries, "plugins"), keys, r.gatedProvider.url, inherited))
}

// apply writes the host file with additional keys and reloads it. It returns the keys that need a restart.
func (r *reloadCase) apply(keys string) (waits []string) {
	r.t.Helper()
	r.file(keys, "")
	return r.reload("")
}

func (r *reloadCase) reload(query string) []string {
	r.t.Helper()
	a := r.do("POST", "/admin/v1/reload"+query, "")
	var done struct {
		Applied bool
		Restart []string
	}
	if err := json.Unmarshal(a.Body, &done); err != nil || a.Status != 200 || done.Applied == (query != "") {
		r.t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	return done.Restart
}

// fresh returns the id of a new conversation.
func (r *reloadCase) fresh() string {
	r.conversations++
	return fmt.Sprint("c", r.conversations)
}

// begin starts a turn in a new conversation and waits until the provider holds back its reply. The
// returned function waits for the response to the turn.
func (r *reloadCase) begin(message string) (conversation string, end func() answer) {
	r.t.Helper()
	r.mu.Lock()
	before := r.held
	r.mu.Unlock()
	conversation = r.fresh()
	done := make(chan answer, 1)
	go func() { done <- r.hostProcess.chat("a", conversation, message) }()
	r.eventually(soon, "the turn is at work", r.holds(before+1))
	return conversation, func() answer {
		r.t.Helper()
		select {
		case a := <-done:
			return a
		case <-time.After(soon):
			r.t.Fatal("the turn does not end")
			return answer{}
		}
	}
}

func (r *reloadCase) status(what string, a answer, want int) {
	r.t.Helper()
	if a.Status != want {
		r.t.Errorf("%s: %d %s, want %d", what, a.Status, a.Body, want)
	}
}

// atReload has a test for each key that a reload applies. The test checks that the key applies after a
// reload.
var atReload = map[string]func(r *reloadCase){
	"secrets_dir": func(r *reloadCase) {
		for _, name := range []string{"one", "two"} {
			if err := os.MkdirAll(filepath.Join(r.dir, "secrets-"+name, "b"), 0o700); err != nil {
				r.t.Fatal(err)
			}
			r.write("secrets-"+name+"/b/key", "the-key-of-"+name)
		}
		r.apply(`secrets_dir = "secrets-one"`)
		r.put("b", `{"llm":{"base_url":"`+r.gatedProvider.url+`","api_key":"${file:key}"}}`)
		has := func(want string) func() bool {
			return func() bool {
				r.mustChat("b", r.fresh(), "x")
				key, _ := r.last()
				return key == want
			}
		}
		r.eventually(soon, "the first folder", has("the-key-of-one"))
		r.apply(`secrets_dir = "secrets-two"`)
		r.eventually(soon, "the other folder", has("the-key-of-two"))
		r.status("removing b", r.do("DELETE", "/admin/v1/tenants/b", ""), 204)
	},
	"allow_env": func(r *reloadCase) {
		const settings = `{"llm":{"base_url":"http://127.0.0.1:9","api_key":"${env:RELOAD_TEST_KEY}"}}`
		r.status("not allowed", r.do("PUT", "/admin/v1/tenants/b", settings), 422)
		r.apply(`allow_env = ["RELOAD_TEST_KEY"]`)
		r.put("b", settings)
		r.status("removing b", r.do("DELETE", "/admin/v1/tenants/b", ""), 204)
	},
	"defaults": func(r *reloadCase) {
		r.file("", "  conversation_storage {\n    backend = \"sqlite\"\n  }\n")
		r.reload("")
		r.mustChat("a", "of the other storage", "x")
		r.apply("")
		if got := r.do("GET", "/api/v1/conversations/of%20the%20other%20storage", "", "X-Tenant-ID: a"); got.Status != 404 {
			r.t.Errorf("%d %s", got.Status, got.Body)
		}
	},
	config.PlanKey: func(r *reloadCase) {
		r.apply("plan \"short\" {\n limits {\n  message_bytes = 20\n }\n}")
		r.put("b", `{"plan":"short"}`)
		r.status("eleven bytes of twenty", r.chat("b", r.fresh(), "12345678901"), 200)
		r.apply("plan \"short\" {\n limits {\n  message_bytes = 10\n }\n}")
		r.status("eleven bytes of ten", r.chat("b", r.fresh(), "12345678901"), 422)
		r.status("removing b", r.do("DELETE", "/admin/v1/tenants/b", ""), 204)
	},
	"tenant_policy.keys": func(r *reloadCase) {
		r.apply("")
		if may := r.may("llm.model"); may != "no" {
			r.t.Errorf("without a policy the tenant may %q", may)
		}
		r.apply("tenant_policy {\n keys = [\"llm.model\"]\n}")
		if may := r.may("llm.model"); may != "set" {
			r.t.Errorf("with the policy the tenant may %q", may)
		}
	},
	"tenant_policy.plugins.llm":     func(r *reloadCase) { r.selects("llm", "llm.provider") },
	"tenant_policy.plugins.memory":  func(r *reloadCase) { r.selects("memory", "memory.type") },
	"tenant_policy.plugins.storage": func(r *reloadCase) { r.selects("storage", "conversation_storage.backend") },
	// The project has no plugin of this kind yet, so the test only checks that a reload accepts the key.
	"tenant_policy.plugins.knowledge": func(r *reloadCase) { r.apply("tenant_policy {\n plugins = { knowledge = [\"any\"] }\n}") },
	"limits.message_bytes": func(r *reloadCase) {
		r.apply("limits {\n message_bytes = 10\n}")
		r.status("eleven bytes", r.chat("a", r.fresh(), "12345678901"), 422)
		r.apply("limits {\n message_bytes = 8000000\n}") // a larger message also needs a larger bound of the request body
		r.status("seven megabytes", r.chat("a", r.fresh(), strings.Repeat("m", 7<<20)), 200)
	},
	"limits.reply_tokens": func(r *reloadCase) {
		r.apply("limits {\n reply_tokens = 17\n}")
		r.mustChat("a", r.fresh(), "x")
		if _, tokens := r.last(); tokens != 17 {
			r.t.Errorf("the provider may give %d tokens", tokens)
		}
	},
	"limits.turns_per_minute": func(r *reloadCase) {
		r.apply("limits {\n turns_per_minute = 1\n}")
		codes := map[int]bool{}
		for range 3 {
			codes[r.chat("a", r.fresh(), "x").Status] = true
		}
		if !codes[429] {
			r.t.Errorf("three turns in a minute: %v", codes)
		}
		r.apply("")
		r.status("without a limit", r.chat("a", r.fresh(), "x"), 200)
	},
	"limits.concurrent_turns": func(r *reloadCase) {
		_, end := r.begin("hold")
		r.apply("limits {\n concurrent_turns = 1\n}")
		r.status("a second turn", r.chat("a", r.fresh(), "x"), 429)
		r.apply("limits {\n concurrent_turns = 2\n}")
		r.status("a second turn of two", r.chat("a", r.fresh(), "x"), 200)
		r.release()
		r.status("the first turn", end(), 200)
	},
	"limits.waiting_turns": func(r *reloadCase) {
		conversation, end := r.begin("hold")
		r.apply("limits {\n waiting_turns = 0\n}")
		r.status("a turn that would wait", r.chat("a", conversation, "x"), 429)
		r.release()
		r.status("the first turn", end(), 200)
	},
	"limits.conversation_waiters": func(r *reloadCase) {
		conversation, end := r.begin("hold")
		r.apply("limits {\n conversation_waiters = 0\n}")
		r.status("a turn that would wait", r.chat("a", conversation, "x"), 409)
		r.release()
		r.status("the first turn", end(), 200)
	},
	"limits.conversation_wait": func(r *reloadCase) {
		conversation, end := r.begin("hold")
		r.apply("limits {\n conversation_wait = 0.05\n conversation_waiters = 5\n}")
		r.status("a turn that waits too long", r.chat("a", conversation, "x"), 409)
		r.release()
		r.status("the first turn", end(), 200)
	},
	"limits.turn_timeout":        func(r *reloadCase) { r.cutOff("turn_timeout", "hold") },
	"limits.first_token_timeout": func(r *reloadCase) { r.cutOff("first_token_timeout", "hold") },
	"limits.token_timeout":       func(r *reloadCase) { r.cutOff("token_timeout", "drip") },
	config.PluginKey + "max_calls": func(r *reloadCase) {
		r.apply("plugin \"llm\" \"ollama\" {\n max_calls = 1\n}")
		_, end := r.begin("hold")
		conversation := r.fresh()
		done := make(chan answer, 1)
		go func() { done <- r.hostProcess.chat("a", conversation, "hold") }()
		r.eventually(soon, "it waits for the first", func() bool { return r.plugins()["llm-ollama"].Waiting == 1 })
		r.apply("plugin \"llm\" \"ollama\" {\n max_calls = 8\n}")
		r.eventually(soon, "both are at work", r.holds(2))
		r.release()
		r.status("the first", end(), 200)
		r.status("the second", <-done, 200)
	},
	config.PluginKey + "call_timeout": func(r *reloadCase) {
		r.apply("plugin \"storage\" \"memory\" {\n call_timeout = 0.000001\n}")
		if a := r.chat("a", r.fresh(), "x"); a.Status < 500 || !strings.Contains(string(a.Body), "deadline") {
			r.t.Errorf("a microsecond was enough: %d %s", a.Status, a.Body)
		}
		r.apply("")
		r.status("with time", r.chat("a", r.fresh(), "x"), 200)
	},
	config.PluginKey + "start_timeout": func(r *reloadCase) {
		r.apply("plugin \"llm\" \"echo\" {\n start_timeout = 0.000001\n}")
		if a := r.do("PUT", "/admin/v1/tenants/b", `{"llm":{"provider":"echo"}}`); a.Status/100 == 2 {
			r.t.Errorf("a microsecond was enough: %d %s", a.Status, a.Body)
		}
		r.apply("")
		r.put("b", `{"llm":{"provider":"echo"}}`)
		r.status("removing b", r.do("DELETE", "/admin/v1/tenants/b", ""), 204)
	},
	"egress.tenants": func(r *reloadCase) { r.leads("egress {\n tenants = \"any\"\n}\n") },
	"egress.allow":   func(r *reloadCase) { r.leads("egress {\n allow = [\"127.0.0.1\"]\n}\n") },
	"limits.reply_bytes": func(r *reloadCase) {
		r.apply("limits {\n reply_bytes = 1\n}")
		if a := r.mustChat("a", r.fresh(), "x"); a.Reply != "h" {
			r.t.Errorf("the reply has %q", a.Reply)
		}
	},
	"http.connections": func(r *reloadCase) {
		r.apply("http {\n connections = 16\n}") // 14 connections are for turns, and 7 of these for one tenant
		var ends []func() answer
		for range 7 {
			_, end := r.begin("hold")
			ends = append(ends, end)
		}
		r.status("the eighth turn", r.chat("a", r.fresh(), "x"), 429)
		r.apply("http {\n connections = 100\n}")
		r.status("with more connections", r.chat("a", r.fresh(), "x"), 200)
		r.release()
		for _, end := range ends {
			r.status("a turn before", end(), 200)
		}
	},
	"http.body_bytes": func(r *reloadCase) {
		const limits = "limits {\n message_bytes = 8000000\n}\n"
		r.apply(limits + "http {\n body_bytes = 104857600\n}") // one tenant may use half of body_bytes, 50 MiB
		large := "hold" + strings.Repeat("m", 7<<20)
		var ends []func() answer
		for range 6 {
			_, end := r.begin(large)
			ends = append(ends, end)
		}
		large = strings.Repeat("m", 8000000)
		for range 2 { // whether there is room left depends on how the host counts running messages
			if a := r.chat("a", r.fresh(), large); a.Status == 200 {
				_, end := r.begin("hold" + large[:7<<20])
				ends = append(ends, end)
			}
		}
		r.status("one more", r.chat("a", r.fresh(), large), 429)
		r.apply(limits + "http {\n body_bytes = 1073741824\n}")
		r.status("with more bytes", r.chat("a", r.fresh(), large), 200)
		r.release()
		for _, end := range ends {
			r.status("a turn before", end(), 200)
		}
	},
	"http.answer_bytes": func(r *reloadCase) {
		const limits = "limits {\n message_bytes = 8000000\n}\n"
		r.apply(limits + "http {\n answer_bytes = 104857600\n}") // one tenant may use half of answer_bytes, 50 MiB
		conversation := r.fresh()
		for range 2 {
			r.status("a large message", r.chat("a", conversation, strings.Repeat("m", 7<<20)), 200)
		}
		path := "/api/v1/conversations/" + conversation + "/turns"
		for range 6 { // three pages of 14 MiB that no caller reads fill the tenant's 50 MiB
			c, err := net.Dial("tcp", strings.TrimPrefix(r.hostProcess.url, "http://"))
			if err != nil {
				r.t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\n\r\n")
		}
		r.eventually(soon, "there is no room", func() bool { return r.do("GET", path+"?limit=1", "", "X-Tenant-ID: a").Status == 429 })
		r.apply(limits + "http {\n answer_bytes = 1073741824\n}")
		r.status("with more bytes", r.do("GET", path+"?limit=1", "", "X-Tenant-ID: a"), 200)
	},
	"shutdown_grace":     nil, // see TestReload_shutdownGrace
	"shutdown_delay":     nil, // see TestReload_shutdownDelay
	"auth.gateway_token": nil, // see TestReload_tokens
	"auth.admin_token":   nil,
}

// may returns what tenant "a" itself may do with a key: "set" or "no".
func (r *reloadCase) may(key string) string {
	r.t.Helper()
	a := r.do("GET", "/admin/v1/tenants/a/config", "")
	var effective struct {
		Config []struct {
			Path      string
			TenantMay string `json:"tenant_may"`
		}
	}
	if err := json.Unmarshal(a.Body, &effective); err != nil || a.Status != 200 {
		r.t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	for _, e := range effective.Config {
		if e.Path == key {
			return e.TenantMay
		}
	}
	return ""
}

// selects checks that, after a reload of tenant_policy.plugins, a tenant may select a plugin of the kind.
func (r *reloadCase) selects(kind, key string) {
	r.apply("")
	before := r.may(key)
	r.apply("tenant_policy {\n plugins = { " + kind + " = [\"any\"] }\n}")
	if after := r.may(key); before != "no" || after != "set" {
		r.t.Errorf("%s: the tenant may %q, and then %q", key, before, after)
	}
}

// leads checks that a tenant's own settings may name an address of this machine once the host file allows
// the address. When the host file forbids the address again, the host holds the own settings and serves
// the tenant with the operator's address.
func (r *reloadCase) leads(allowed string) {
	const policy = "tenant_policy {\n keys = [\"*\", \"llm.base_url\"]\n}\n"
	const own = "/admin/v1/tenants/b?as=tenant"
	settings := `{"llm":{"base_url":"` + r.gatedProvider.url + `/"}}`
	r.apply(policy)
	r.put("b", "{}")
	refused := r.do("PUT", own, settings)
	if refused.Status != 422 || !strings.Contains(string(refused.Body), "llm.base_url") || !strings.Contains(string(refused.Body), "egress { allow = [") {
		r.t.Errorf("before: %d %s", refused.Status, refused.Body)
	}
	r.apply(policy + allowed)
	if a := r.do("PUT", own, settings); a.Status != 200 && a.Status != 201 {
		r.t.Fatalf("then: %d %s", a.Status, a.Body)
	}
	r.mustChat("b", r.fresh(), "x")
	r.apply(policy)
	if a := r.do("GET", "/admin/v1/tenants/b", ""); !strings.Contains(string(a.Body), `"held":true`) {
		r.t.Errorf("afterwards: %s", a.Body)
	}
	r.mustChat("b", r.fresh(), "x") // uses the address in the operator's settings
	r.status("removing b", r.do("DELETE", "/admin/v1/tenants/b", ""), 204)
}

// cutOff checks that a shorter timeout, after a reload, ends a turn.
func (r *reloadCase) cutOff(limit, message string) {
	r.apply("limits {\n " + limit + " = 0.3\n}")
	a := r.chat("a", r.fresh(), message)
	if a.Status < 500 {
		r.t.Errorf("%s: %d %s", limit, a.Status, a.Body)
	}
	r.eventually(soon, "the provider is left", r.holds(0))
}

func TestReload_keys(t *testing.T) {
	host := &hostProcess{t: t, dir: shortDir(t), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, env: []string{"RELOAD_TEST_KEY=key-of-the-environment"}}
	r := &reloadCase{hostProcess: host, gatedProvider: serveGatedProvider(t)}
	if err := os.MkdirAll(filepath.Join(host.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("tenants/a.hcl", "")
	r.file("", "")
	host.runUntilTheEnd()
	for _, k := range config.HostKeys() {
		if k.Applies != config.AtReload {
			continue
		}
		see, ok := atReload[k.Key]
		if !ok {
			t.Errorf("%s is said to count at a reload, and no test sees it", k.Key)
		}
		if see == nil {
			continue
		}
		t.Run(k.Key, func(t *testing.T) {
			was := host.t
			host.t = t
			defer func() { host.t = was }()
			see(r)
			if waits := r.apply(""); len(waits) > 0 {
				t.Errorf("%q waits for a start", waits)
			}
		})
	}
}

func TestReload_shutdownGrace(t *testing.T) {
	g := serveGatedProvider(t)
	host := start(t, "shutdown_grace = 0\n", map[string]string{
		"a.hcl": "llm {\n  provider = \"ollama\"\n  model = \"m\"\n  base_url = \"" + g.url + "\"\n}\n",
	})
	r := &reloadCase{hostProcess: host, gatedProvider: g}
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\nshutdown_grace = 60\n")
	r.reload("")
	_, end := r.begin("hold")
	_ = host.cmd.Process.Signal(syscall.SIGTERM)
	host.eventually(soon, "it drains", func() bool { return strings.Contains(host.log.String(), "stopping") })
	time.Sleep(200 * time.Millisecond) // without the new shutdown_grace the turn would be cut off by now
	g.release()
	r.status("a turn in its grace", end(), 200)
}

func TestReload_shutdownDelay(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\nshutdown_delay = 600\n"+echoDefaults)
	(&reloadCase{hostProcess: host}).reload("")
	_ = host.cmd.Process.Signal(syscall.SIGTERM)
	host.eventually(soon, "it is not ready", func() bool { return host.do("GET", "/readyz", "").Status == 503 })
	host.mustChat("a", "c", "in the delay")
	_ = host.cmd.Process.Signal(syscall.SIGTERM) // a second signal ends the delay
}

func TestReload_tokens(t *testing.T) {
	file := func(gateway, admin string) string {
		return "auth {\n  mode = \"token\"\n  gateway_token = \"" + gateway + "\"\n  admin_token = \"" + admin + "\"\n}\n" +
			"plugin_dirs = [\"" + filepath.Join(binaries, "plugins") + "\"]\ntenant_dirs = [\"tenants\"]\n" + echoDefaults
	}
	host := &hostProcess{t: t, dir: shortDir(t), http: &http.Client{}}
	if err := os.MkdirAll(filepath.Join(host.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("tenants/a.hcl", "")
	host.write("botyard.hcl", file("gateway-token-one", "admin-token-first"))
	host.runUntilTheEnd()
	host.write("botyard.hcl", file("gateway-token-two", "admin-token-second"))
	if a := host.do("POST", "/admin/v1/reload", "", "Authorization: Bearer admin-token-first"); a.Status != 200 || !strings.Contains(string(a.Body), `"restart":[]`) {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	opens := func(token, path string) bool {
		return host.do("GET", path, "", "Authorization: Bearer "+token, "X-Tenant-ID: a").Status != 401
	}
	host.eventually(soon, "the new tokens open, the old ones do not", func() bool {
		return opens("gateway-token-two", "/api/v1/conversations/c") && !opens("gateway-token-one", "/api/v1/conversations/c") &&
			opens("admin-token-second", "/admin/v1/tenants") && !opens("admin-token-first", "/admin/v1/tenants")
	})
}

// TestReload_keysThatNeedARestart checks that the command, dry runs and the log name changed keys that
// need a restart, until the restart. After the restart the keys must apply.
func TestReload_keysThatNeedARestart(t *testing.T) {
	host := &hostProcess{t: t, dir: shortDir(t), http: &http.Client{}, env: []string{"RELOAD_TEST_GIVEN=to-the-plugin"}}
	r := &reloadCase{hostProcess: host, gatedProvider: serveGatedProvider(t)}
	if err := os.MkdirAll(filepath.Join(host.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("tenants/a.hcl", "")
	r.file("", "")
	host.runUntilTheEnd()
	host.mustChat("a", "c", "x")
	given := func() bool {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", host.plugins()["llm-ollama"].PID))
		if errors.Is(err, fs.ErrPermission) && os.Getuid() != 0 {
			t.Skip("only root sees what a plugin was started with: ", err)
		}
		return err == nil && strings.Contains(string(environ), "RELOAD_TEST_GIVEN=to-the-plugin")
	}
	r.file("listen = \"127.0.0.1:1\"\ndata_dir = \"elsewhere\"\nplugin \"llm\" \"ollama\" {\n env = [\"RELOAD_TEST_GIVEN\"]\n}\n", "")
	// The key listen is not in the list, because a flag overrides it.
	want := "[data_dir plugin.llm.ollama.env]"
	for _, query := range []string{"?dry_run=true", "", "", "?dry_run=true"} {
		if got := fmt.Sprint(r.reload(query)); got != want {
			t.Errorf("%q: %s waits, want %s", query, got, want)
		}
	}
	out, err := host.cli("config", "reload")
	if err != nil || !strings.Contains(out, "plugin.llm.ollama.env has changed and takes effect at the next start of the plugin's process") ||
		!strings.Contains(out, "data_dir has changed and takes effect at the next start of the host") {
		t.Errorf("%v: %s", err, out)
	}
	if !strings.Contains(host.log.String(), "do not count before the next start") {
		t.Error("the log says nothing")
	}
	if _, err := os.Stat(filepath.Join(host.dir, "elsewhere")); err == nil {
		t.Error("a reload made another data_dir")
	}
	// When the plugin's process is restarted, the new process gets the new environment.
	if given() {
		t.Error("the process has what was to count from its next start")
	}
	pid := host.plugins()["llm-ollama"].PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	host.eventually(soon, "the plugin is started anew", func() bool { return host.chat("a", "c", "x").Status == 200 })
	// The list of plugins may show the new process later than the first call that it answers.
	host.eventually(soon, "the next process has the variable", given)
	if got := fmt.Sprint(r.reload("")); got != "[data_dir]" {
		t.Errorf("%s waits", got)
	}
	// A reload accepts a wrong sha256, which only the next start of the plugin's process checks.
	const wrong = "0000000000000000000000000000000000000000000000000000000000000000"
	pinned := func(sum string) string {
		return "data_dir = \"elsewhere\"\nplugin \"llm\" \"ollama\" {\n env = [\"RELOAD_TEST_GIVEN\"]\n sha256 = \"" + sum + "\"\n}\n"
	}
	if got := fmt.Sprint(r.apply(pinned(wrong))); got != "[data_dir plugin.llm.ollama.sha256]" {
		t.Errorf("%s waits", got)
	}
	host.mustChat("a", "c", "x")
	pid = host.plugins()["llm-ollama"].PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	host.eventually(soon, "it is not started", func() bool { return host.chat("a", "c", "x").Status == 503 })
	// After the keys are changed back, no key waits for a restart.
	if got := fmt.Sprint(r.apply("plugin \"llm\" \"ollama\" {\n env = [\"RELOAD_TEST_GIVEN\"]\n}\n")); got != "[]" {
		t.Errorf("%s waits", got)
	}
	host.eventually(soon, "it is started again", func() bool { return host.chat("a", "c", "x").Status == 200 })
	// After a restart of the host, no key waits for a restart.
	r.apply(pinned(sumOfFile(t, filepath.Join(binaries, "plugins", "botyard-llm-ollama"))))
	host.stop(syscall.SIGTERM)
	host.run()
	if got := fmt.Sprint(r.reload("")); got != "[]" {
		t.Errorf("%s waits after a restart", got)
	}
	if _, err := os.Stat(filepath.Join(host.dir, "elsewhere", "host.key")); err != nil {
		t.Error("the other data_dir does not count after a restart")
	}
}

func sumOfFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// TestReload_refusesWhatAStartWould checks that a reload refuses the files that the next start would
// refuse, and changes nothing. Otherwise the operator would see the mistake only at the next start.
func TestReload_refusesWhatAStartWould(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	for files, want := range map[string]string{
		"data_dir = \"botyard.hcl\"\n":                                  "data_dir: ",
		"tenant_dirs = [\"nowhere\"]\n":                                 "tenant_dirs",
		"tls {\n cert_file = \"nowhere\"\n key_file = \"nowhere\"\n}\n": "tls",
		"registry {\n storage {\n  backend = \"sqlit\"\n }\n}\n":        "did you mean \"sqlite\"?",
	} {
		host.write("botyard.hcl", files+"limits {\n message_bytes = 3\n}\n"+echoDefaults)
		for _, dry := range []string{"--dry-run", "--dry-run=false"} {
			if out, err := host.cli("config", "reload", dry); err == nil || !strings.Contains(out, want) {
				t.Errorf("%s%s: %v: %s", files, dry, err, out)
			}
		}
	}
	host.mustChat("a", "c", "longer than three bytes")
}

// TestReload_blockOfAMissingPlugin checks that the start and each reload warn of a configuration block
// whose plugin does not exist, and accept the file.
func TestReload_blockOfAMissingPlugin(t *testing.T) {
	const block, told = "plugin \"llm\" \"ehco\" {\n max_calls = 8\n}\n",
		`: plugin.llm.ehco: no llm plugin is named "ehco": the block says nothing until there is one; did you mean "echo"?`
	host := start(t, block+echoDefaults, map[string]string{"a.hcl": ""})
	if !strings.Contains(host.log.String(), `plugin.llm.ehco: no llm plugin is named \"ehco\"`) {
		t.Errorf("the start does not tell it: %s", host.log.String())
	}
	for _, dry := range []string{"--dry-run", "--dry-run=false"} {
		if out, err := host.cli("config", "reload", dry); err != nil || !strings.Contains(out, "warning: ") || !strings.Contains(out, told) {
			t.Errorf("%s: %v: %s", dry, err, out)
		}
	}
	if out, err := host.cli("config", "reload", "--json"); err != nil || !strings.Contains(out, `"path": "plugin.llm.ehco"`) {
		t.Errorf("%v: %s", err, out)
	}
	host.write("botyard.hcl", strings.Replace(block, "ehco", "echo", 1)+echoDefaults)
	if out, err := host.cli("config", "reload"); err != nil || strings.Contains(out, "warning: ") {
		t.Errorf("%v: %s", err, out)
	}
}
