package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// passedOver is a model that did not reply, in the record of a turn.
type passedOver struct {
	Block, Plugin, Class, Party, Detail string
	Asked                               int
}

// recordOf returns the part of a turn's record that is about fallbacks, as the operator sees it.
func (host *hostProcess) recordOf(tenant, conversation, turn string) (r struct {
	Block   string            `json:"llm_block"`
	Plugins map[string]string `json:"plugins"`
	Passed  []passedOver      `json:"passed_over"`
}) {
	host.t.Helper()
	a := host.do("GET", "/admin/v1/tenants/"+tenant+"/conversations/"+conversation+"/turns/"+turn+"?by=sequence", "")
	var shown struct {
		Turn struct{ Record json.RawMessage }
	}
	if err := json.Unmarshal([]byte(a.Body), &shown); err != nil || a.Status != 200 || json.Unmarshal(shown.Turn.Record, &r) != nil {
		host.t.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	return r
}

// TestFallback checks what a tenant with fallbacks is answered when its model cannot reply, what the
// record, the check of the tenant and the metrics say of it, and that a caller is not told the texts of
// upstreams.
func TestFallback(t *testing.T) {
	t.Parallel()
	host := start(t, onSQLite, nil)
	const second = `{"provider": "echo", "reply": "the second", "model": "two"}`
	settings := func(llm, fallback string) string {
		return `{"llm": {"provider": "echo", "reply": "the first", ` + llm + ` "fallback": [` + fallback + `]}}`
	}
	host.put("well", settings(``, second))
	host.put("passes", settings(`"fail": {"class": "rate_limited", "times": 1, "retry_after_ms": 1},`, second))
	host.put("stays", settings(`"fail": {"class": "quota_exhausted", "message": "10.0.0.7 says no"},`, `{"provider": "echo", "fail": {"class": "provider_failed"}}, `+second))
	host.put("content", settings(`"fail": {"class": "content_filtered"},`, second))
	host.put("middle", settings(`"fail": {"class": "provider_failed", "after_tokens": 1},`, second))
	host.put("crashes", settings(`"crash_after_tokens": 0,`, second))
	host.put("secret", settings(`"fail": {"class": "forbidden"},`, `{"provider": "echo", "reply": "the second", "api_key": "sk-fallback-secret", "base_url": "http://192.0.2.7"}`))

	for tenant, reply := range map[string]string{"well": "the first", "passes": "the first", "stays": "the second", "secret": "the second"} {
		if a := host.mustChat(tenant, "c", "hello"); a.Reply != reply {
			t.Errorf("%s: %s", tenant, a.Body)
		}
	}
	for tenant, status := range map[string]int{"content": 422, "middle": 502} {
		if a := host.chat(tenant, "c", "hello"); a.Status != status {
			t.Errorf("%s: %d %s", tenant, a.Status, a.Body)
		}
	}
	if r := host.recordOf("well", "c", "1"); r.Block != "" || r.Passed != nil {
		t.Errorf("a turn without a fallback: %+v", r)
	}
	r := host.recordOf("stays", "c", "1")
	if r.Block != "llm.fallback.1" || !strings.HasPrefix(r.Plugins["llm"], "echo ") || len(r.Passed) != 2 {
		t.Fatalf("the record is %+v", r)
	}
	if p := r.Passed[0]; p.Block != "llm" || p.Class != "quota_exhausted" || p.Party != "tenant" || p.Asked != 1 || !strings.Contains(p.Detail, "10.0.0.7") {
		t.Errorf("the first model: %+v", p)
	}
	if p := r.Passed[1]; p.Block != "llm.fallback.0" || p.Class != "provider_failed" || p.Asked != 3 {
		t.Errorf("the second model: %+v", p)
	}
	a := host.do("GET", "/api/v1/conversations/c/turns?all=true", "", "X-Tenant-ID: stays")
	if a.Status != 200 || strings.Contains(string(a.Body), "10.0.0.7") || !strings.Contains(string(a.Body), `"class":"quota_exhausted"`) {
		t.Errorf("the caller is shown %s", a.Body)
	}

	// The first model crashes its plugin's process. The fallback, which has the same plugin, replies from a
	// new process.
	if a := host.mustChat("crashes", "c", "hello"); a.Reply != "the second" {
		t.Errorf("after a crash: %s", a.Body)
	}

	found, of := host.checked("stays")
	if found.OK || of["llm"].State != "failed" || of["llm.fallback.0"].State != "failed" || of["llm.fallback.1"].State != "ok" {
		t.Errorf("the check says %+v", found)
	}
	explained := host.mustCLI("tenant", "show", "secret")
	if strings.Contains(explained, "sk-fallback") {
		t.Errorf("a secret is shown:\n%s", explained)
	}
	if a := host.do("GET", "/admin/v1/tenants/secret/config", ""); a.Status != 200 || strings.Contains(string(a.Body), "sk-fallback") || !strings.Contains(string(a.Body), `"llm.fallback.0.api_key"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}

	p, _ := host.scrape(host.url, "")
	p.want(t, 1, "botyard_models_passed_over_total", "block=llm", "class=quota_exhausted", "name=echo")
	p.want(t, 1, "botyard_models_passed_over_total", "block=llm.fallback.0", "class=provider_failed", "name=echo")
	p.want(t, 1, "botyard_fallback_replies_total", "block=llm.fallback.1")
	p.want(t, 2, "botyard_fallback_replies_total", "block=llm.fallback.0")

	// A plugin that is not there is a problem of the block, with its place.
	refused := host.do("PUT", "/admin/v1/tenants/bad", settings(``, `{"provider": "echo"}, {"provider": "nobody"}`))
	if refused.Status != 422 || !strings.Contains(string(refused.Body), "llm.fallback.1.provider") {
		t.Errorf("%d %s", refused.Status, refused.Body)
	}
	refused = host.do("PUT", "/admin/v1/tenants/bad", settings(``, `{"provider": "echo", "tokens": 3, "reply": "x"}`))
	if refused.Status != 422 || !strings.Contains(string(refused.Body), "llm.fallback.0.tokens") {
		t.Errorf("what the plugin says of a fallback: %d %s", refused.Status, refused.Body)
	}
}

// TestFallback_pluginIsGone checks that a tenant is served by its fallback while the upstream of its model
// is away, while the plugin of its model is not installed, and when the plugin is back.
func TestFallback_pluginIsGone(t *testing.T) {
	t.Parallel()
	host := prepareHost(t, onSQLite, nil)
	own := filepath.Join(host.dir, "plugins")
	if err := os.CopyFS(own, os.DirFS(filepath.Join(binaries, "plugins"))); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(own, func(path string, d os.DirEntry, err error) error { return os.Chmod(path, 0o700) }); err != nil {
		t.Fatal(err)
	}
	hostFile, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", strings.Replace(string(hostFile), filepath.Join(binaries, "plugins"), own, 1))
	host.runUntilTheEnd()
	host.put("acme", `{"llm": {"provider": "ollama", "model": "m", "base_url": "http://127.0.0.1:1", "fallback": [{"provider": "echo", "reply": "the second"}]}}`)
	sequence := 0
	passedOver := func() passedOver {
		t.Helper()
		if a := host.mustChat("acme", "c", "hello"); a.Reply != "the second" {
			t.Fatalf("%s", a.Body)
		}
		sequence++
		r := host.recordOf("acme", "c", strconv.Itoa(sequence))
		if r.Block != "llm.fallback.0" || len(r.Passed) != 1 || r.Passed[0].Block != "llm" {
			t.Fatalf("the record is %+v", r)
		}
		return r.Passed[0]
	}
	if p := passedOver(); p.Class != "provider_failed" || !strings.HasPrefix(p.Plugin, "ollama ") {
		t.Errorf("an upstream that is away: %+v", p)
	}
	plugin := filepath.Join(own, "botyard-llm-ollama")
	if err := os.Rename(plugin, filepath.Join(host.dir, "kept")); err != nil {
		t.Fatal(err)
	}
	host.eventually(recoverWithin, "the host notices", func() bool { return strings.Contains(host.log.String(), "plugin is gone") })
	if a := host.do("DELETE", "/admin/v1/cache", ""); a.Status/100 != 2 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if p := passedOver(); p.Class != "plugin_unavailable" || p.Asked != 0 {
		t.Errorf("a plugin that is not installed: %+v", p)
	}
	if err := os.Rename(filepath.Join(host.dir, "kept"), plugin); err != nil {
		t.Fatal(err)
	}
	host.eventually(recoverWithin, "the model is asked again", func() bool { return passedOver().Class == "provider_failed" })
}

// TestContext checks that a conversation goes on that outgrows the context of its model, that the host
// says which messages the model was given and why not the others, that a message that is too long is
// refused with the numbers, and that a fallback with a larger context takes it.
func TestContext(t *testing.T) {
	t.Parallel()
	host := start(t, onSQLite, nil)
	host.put("acme", `{"llm": {"provider": "echo", "reply": "well", "takes": {"context_tokens": 400}}, "memory": {"type": "buffer", "max_messages": 100}}`)
	for i := range 6 {
		host.mustChat("acme", "c", "m"+strconv.Itoa(i)+" "+strings.Repeat("word ", 100))
	}
	out := host.mustCLI("turn", "show", "--compose", "acme", "c", "6")
	if !strings.Contains(out, "user: m5 ") || !strings.Contains(out, "user: m4 ") || strings.Contains(out, "user: m1 ") || strings.Contains(out, "not known") ||
		!strings.Contains(out, "were left out: the model takes 400 tokens, of which 100 are kept free for the reply") {
		t.Errorf("the host says\n%s", out)
	}
	long := strings.Repeat("word ", 1000)
	a := host.chat("acme", "c", long)
	if a.Status != 422 || !strings.Contains(string(a.Body), "context_too_long") || !strings.Contains(string(a.Body), "the model takes 400, with 100 for the reply") {
		t.Errorf("a long message: %d %s", a.Status, a.Body)
	}
	host.put("acme", `{"llm": {"provider": "echo", "takes": {"context_tokens": 400}, "fallback": [{"provider": "echo", "reply": "the large one", "takes": {"context_tokens": 4000}}]}}`)
	if a := host.mustChat("acme", "c", long); a.Reply != "the large one" {
		t.Errorf("with a fallback: %s", a.Body)
	}
	if r := host.recordOf("acme", "c", "8"); r.Block != "llm.fallback.0" || len(r.Passed) != 1 || r.Passed[0].Class != "context_too_long" || r.Passed[0].Asked != 0 {
		t.Errorf("the record is %+v", r)
	}
}
