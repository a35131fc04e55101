package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
)

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
	"limits.context_tokens": func(r *reloadCase) {
		r.apply("limits {\n context_tokens = 40\n}")
		r.status("a message of a hundred tokens", r.chat("a", r.fresh(), strings.Repeat("four", 100)), 422)
		r.apply("limits {\n context_tokens = 4000\n}")
		r.status("a message of a hundred tokens in a larger context", r.chat("a", r.fresh(), strings.Repeat("four", 100)), 200)
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
