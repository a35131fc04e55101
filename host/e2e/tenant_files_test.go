package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// cli runs a botyard command against this host and returns its output.
func (host *hostProcess) cli(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(binaries, "botyard"), args...)
	cmd.Env = append(os.Environ(), "BOTYARD_URL="+host.url)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (host *hostProcess) says(tenant, text string) func() bool {
	return func() bool {
		a := host.chat(tenant, "probe", "hello")
		return a.Status == 200 && strings.Contains(a.Reply, text)
	}
}

// applyWithin is how long a changed file may take to apply. It is twice the expected time, for a busy
// machine.
const applyWithin = 4 * time.Second

func TestTenantFiles_areFollowed(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "prompts {\n  system = \"first\"\n}\n", "b.hcl": ""})
	host.mustChat("a", "kept", "remember this")
	host.write("tenants/a.hcl", "prompts {\n  system = \"second\"\n}\n")
	host.eventually(applyWithin, "a changed file applies", host.says("a", "second"))
	host.write("tenants/c.yaml", "prompts: {system: third}\n")
	host.eventually(applyWithin, "a new file applies", host.says("c", "third"))

	host.write("tenants/a.hcl", "prompts {\n  sistem = \"bad\"\n}\n")
	host.eventually(applyWithin, "a bad file is told", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Contains(out, "a.hcl:2:3: prompts.sistem")
	})
	if a := host.mustChat("a", "kept", "Do you remember me?"); !strings.Contains(a.Reply, "remember this") {
		t.Errorf("a bad file disturbed what was served: %s", a.Reply)
	}
	if !host.says("a", "second")() {
		t.Error("the last good revision is not served")
	}
	host.stop(syscall.SIGTERM)
	host.run()
	if !host.says("a", "second")() {
		t.Error("the last good revision is not served after a restart")
	}
	if out, _ := host.cli("tenant", "list"); !strings.Contains(out, "prompts.sistem") {
		t.Errorf("the error is not told after a restart: %s", out)
	}

	host.mustChat("c", "kept", "still there")
	if err := os.Remove(filepath.Join(host.dir, "tenants/c.yaml")); err != nil {
		t.Fatal(err)
	}
	host.eventually(applyWithin, "a removed tenant is not served", func() bool { return host.chat("c", "probe", "x").Status == 404 })
	host.write("tenants/c.yaml", "prompts: {system: third}\n")
	host.eventually(applyWithin, "it is back", host.says("c", "third"))
	if a := host.mustChat("c", "kept", "Do you remember me?"); !strings.Contains(a.Reply, "still there") {
		t.Errorf("a removed file deleted conversations: %s", a.Reply)
	}
}

// TestTenantFiles_renamed renames the files of all tenants at once, from .hcl to .yaml, while each tenant
// gets requests. Every second new file is invalid. Tenants with an invalid file must be served with the
// last good version.
func TestTenantFiles_renamed(t *testing.T) {
	const tenants = 4
	files := map[string]string{}
	for i := range tenants {
		files[fmt.Sprintf("t%d.hcl", i)] = "prompts {\n  system = \"first\"\n}\n"
	}
	host := start(t, echoDefaults, files)
	ctx, stop := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	for i := range tenants {
		asking.Go(func() {
			for ctx.Err() == nil {
				if a := host.chat(fmt.Sprintf("t%d", i), "asked", "hello"); a.Status != 200 {
					t.Errorf("t%d: %d %s", i, a.Status, a.Body)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for i := range tenants {
		text := "prompts: {system: second}\n"
		if i%2 == 0 {
			text = "prompts: {sistem: second}\n"
		}
		host.write(fmt.Sprintf("tenants/t%d.yaml", i), text)
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Error(err)
		}
	}
	host.write("tenants/t9.YAML", "prompts: {system: ninth}\n")
	told := func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, ".yaml:1:11: prompts.sistem") == tenants/2 && strings.Contains(out, "t9.YAML")
	}
	host.eventually(applyWithin, "the mistakes are told", told)
	time.Sleep(1500 * time.Millisecond) // longer than the host waits for a missing file to come back
	stop()
	asking.Wait()
	check := func() {
		t.Helper()
		for i := range tenants {
			want := []string{"first", "second"}[i%2]
			host.eventually(applyWithin, "it says what its good file says", host.says(fmt.Sprintf("t%d", i), want))
		}
	}
	check()
	host.stop(syscall.SIGTERM)
	host.run()
	check()
	if !told() {
		t.Error("the mistakes are not told after a restart")
	}
}

func TestTenantFiles_vanishTogether(t *testing.T) {
	files := map[string]string{}
	for i := range 4 {
		files[fmt.Sprintf("t%d.hcl", i)] = ""
	}
	host := start(t, echoDefaults, files)
	for i := range 3 {
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Fatal(err)
		}
	}
	host.eventually(applyWithin, "it is told", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, "the file is gone") == 3
	})
	host.mustChat("t0", "c", "still served")
	good, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// A reload with files that break a tenant, or that are invalid, applies nothing. It therefore drops no
	// tenant.
	for _, bad := range []string{strings.Replace(string(good), `"echo"`, `"ollama"`, 1), "lisen = 1\n" + string(good)} {
		host.write("botyard.hcl", bad)
		for _, flags := range [][]string{{"--confirm-removed"}, {"--confirm-removed", "--dry-run"}} {
			if out, err := host.cli(append([]string{"config", "reload"}, flags...)...); err == nil || strings.Contains(out, "dropped") {
				t.Errorf("%v: %v: %s", flags, err, out)
			}
		}
		host.mustChat("t0", "c", "still served")
	}
	host.write("botyard.hcl", string(good))
	out, err := host.cli("config", "reload", "--confirm-removed", "--dry-run")
	if err != nil || strings.Count(out, "would be dropped") != 3 {
		t.Errorf("%v: %s", err, out)
	}
	host.mustChat("t0", "c", "still served")
	out, err = host.cli("config", "reload", "--confirm-removed")
	if err != nil || strings.Count(out, "is dropped") != 3 {
		t.Errorf("%v: %s", err, out)
	}
	if a := host.chat("t0", "c", "x"); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	host.mustChat("t3", "c", "never disturbed")
}

// TestTenantFiles_confirmedRemoval checks a reload of host files that would break tenants whose files are
// gone. The reload must succeed if the operator confirms the removal of these tenants.
func TestTenantFiles_confirmedRemoval(t *testing.T) {
	const uses = "prompts {\n  system = \"{{who}} is gone\"\n}\n"
	defines := strings.Replace(echoDefaults, "defaults {\n", "defaults {\n  prompts {\n    variables = { who = \"nobody\" }\n  }\n", 1)
	host := start(t, defines, map[string]string{"stays.hcl": "", "t0.hcl": uses, "t1.hcl": uses})
	for i := range 2 {
		if err := os.Remove(filepath.Join(host.dir, fmt.Sprintf("tenants/t%d.hcl", i))); err != nil {
			t.Fatal(err)
		}
	}
	host.eventually(applyWithin, "they are held", func() bool {
		out, err := host.cli("tenant", "list")
		return err == nil && strings.Count(out, "the file is gone") == 2
	})
	good, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", strings.Replace(string(good), "variables = { who = \"nobody\" }", "system = \"without variables\"", 1))
	if out, err := host.cli("config", "reload"); err == nil || !strings.Contains(out, "breaks") {
		t.Errorf("files were applied that break tenants that are served: %v: %s", err, out)
	}
	for _, dry := range []bool{true, false} {
		args := []string{"config", "reload", "--confirm-removed"}
		told := "is dropped"
		if dry {
			args, told = append(args, "--dry-run"), "would be dropped"
		}
		if out, err := host.cli(args...); err != nil || strings.Count(out, told) != 2 || strings.Contains(out, "breaks") {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	if a := host.chat("t0", "c", "x"); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if !host.says("stays", "without variables")() {
		t.Error("the files were not applied")
	}
}

func TestReload_allOrNothing(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"inherits.hcl": "",
		"own.hcl":      "prompts {\n  system = \"own\"\n}\n",
		"uses.hcl":     "llm {\n  model = \"mine\"\n}\n",
	})
	host.mustChat("inherits", "c", "x")
	file := func(defaults string) {
		host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\n"+defaults)
	}
	const withPrompt = "defaults {\n  llm {\n    provider = \"echo\"\n  }\n  prompts {\n    system = \"inherited\"\n  }\n}\n"
	file(withPrompt)
	out, err := host.cli("config", "reload", "--dry-run")
	if err != nil || !strings.Contains(out, "inherits") || !strings.Contains(out, "dry run") {
		t.Errorf("%v: %s", err, out)
	}
	if host.says("inherits", "inherited")() {
		t.Error("a dry run applied")
	}
	if out, err = host.cli("config", "reload"); err != nil || !strings.Contains(out, "applied") {
		t.Errorf("%v: %s", err, out)
	}
	if !host.says("inherits", "inherited")() || !host.says("own", "own")() {
		t.Error("the reload did not apply")
	}

	// The provider ollama requires llm.model, which only one of the tenants sets.
	file("defaults {\n  llm {\n    provider = \"ollama\"\n  }\n  prompts {\n    system = \"broken\"\n  }\n}\n")
	out, err = host.cli("config", "reload")
	if err == nil || !strings.Contains(out, "inherits") || !strings.Contains(out, "breaks") || !strings.Contains(out, "llm.model") {
		t.Errorf("%v: %s", err, out)
	}
	if !host.says("inherits", "inherited")() || !host.says("uses", "inherited")() {
		t.Error("a reload that was refused changed something")
	}
	file("lisen = 1\n" + withPrompt)
	if out, err = host.cli("config", "reload"); err == nil || !strings.Contains(out, "botyard.hcl:3:1: lisen") {
		t.Errorf("%v: %s", err, out)
	}
	file(strings.Replace(withPrompt, "inherited", "by signal", 1))
	if err := host.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	host.eventually(applyWithin, "SIGHUP applies", host.says("inherits", "by signal"))

	// A tenant file that is invalid because of inherited keys becomes valid when the host file is
	// corrected.
	host.write("tenants/later.hcl", "prompts {\n  system = \"{{late}}\"\n}\n")
	host.eventually(applyWithin, "it is refused", func() bool {
		out, _ := host.cli("tenant", "list")
		return strings.Contains(out, "later.hcl:2:")
	})
	file(strings.Replace(withPrompt, "  prompts {\n", "  prompts {\n    variables = { late = \"better late\" }\n", 1))
	if out, err = host.cli("config", "reload"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	host.eventually(applyWithin, "it is served", host.says("later", "better late"))
}

// TestSecretFiles_changed checks that the host uses a changed secret without a reload. If the provider
// refuses the old secret, the host must look for a new secret at once.
func TestSecretFiles_changed(t *testing.T) {
	var mu sync.Mutex
	accept := "Bearer one"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != accept {
			http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	defer server.Close()
	secrets := t.TempDir()
	key := func(text string) {
		if err := os.MkdirAll(filepath.Join(secrets, "a"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(secrets, "a", "key"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key("one")
	host := start(t, "secrets_dir = \""+secrets+"\"\n", map[string]string{
		"a.hcl": "llm {\n  provider = \"ollama\"\n  model = \"m\"\n  base_url = \"" + server.URL + "\"\n  api_key = file(\"key\")\n}\n",
	})
	host.mustChat("a", "c", "x")
	mu.Lock()
	accept = "Bearer two"
	mu.Unlock()
	if a := host.chat("a", "c", "x"); a.Status != 502 || a.Class != "unauthenticated" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	key("two")
	// After the refusal the host reads the secret again. Its next turn uses the new secret.
	if a := host.chat("a", "c", "x"); a.Status != 502 && a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	host.mustChat("a", "c", "x")
	mu.Lock()
	accept = "Bearer three"
	mu.Unlock()
	key("three")
	time.Sleep(2*applyWithin - time.Second) // the host polls the files; no request comes meanwhile
	host.mustChat("a", "c", "x")
}

// TestTenants_changeUnderLoad changes tenants two hundred times a second under load. Every turn must
// succeed and run with one revision, and plugin instances must not accumulate.
func TestTenants_changeUnderLoad(t *testing.T) {
	host := start(t, echoDefaults, nil)
	const tenants = 10
	put := func(i, n int) error {
		a, err := host.try(context.Background(), "PUT", fmt.Sprintf("/admin/v1/tenants/t%d", i), fmt.Sprintf(`{"prompts":{"system":"<t%d at %d>"}}`, i, n))
		if err == nil && a.Status/100 != 2 {
			err = fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return err
	}
	for i := range tenants {
		if err := put(i, 0); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var turns atomic.Int32
	var mu sync.Mutex
	prompt := map[string]string{} // system prompts by revision
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				tenant := fmt.Sprint("t", (w+n)%tenants)
				a, err := host.try(context.Background(), "POST", "/api/v1/chat", chatBody(fmt.Sprint("c", w), "x"), "X-Tenant-ID: "+tenant)
				if err != nil || a.Status != 200 {
					t.Errorf("%v %d %s", err, a.Status, a.Body)
					return
				}
				from, to := strings.Index(a.Reply, "<"), strings.Index(a.Reply, ">")
				if from < 0 || !strings.HasPrefix(a.Reply[from:], "<"+tenant+" ") {
					t.Errorf("%s got %s", tenant, a.Reply)
					return
				}
				mu.Lock()
				if known, ok := prompt[a.Bot.Revision]; ok && known != a.Reply[from:to] {
					t.Errorf("revision %s has two prompts: %s and %s", a.Bot.Revision, known, a.Reply[from:to])
				}
				prompt[a.Bot.Revision] = a.Reply[from:to]
				mu.Unlock()
				turns.Add(1)
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; n <= 1000; n++ {
		<-tick.C
		if err := put(n%tenants, n); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	all.Wait()
	for name, p := range host.plugins() {
		if p.State != "available" && (p.Instances != 1 || p.Restarts != 0) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	t.Logf("%d turns on %d revisions", turns.Load(), len(prompt))
}

func TestTurnShow(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "prompts {\n  system = \"be kind\"\n}\n"})
	host.mustChat("a", "c 1", "first")
	host.mustChat("a", "c 1", "second")
	out, err := host.cli("turn", "show", "a", "c 1", "2", "--compose")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"succeeded", "echo 0.1.0", "system: be kind", "user: first", "user: second", "llm_ms"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "not known") {
		t.Errorf("gaps in what is all there:\n%s", out)
	}
	host.write("tenants/a.hcl", "prompts {\n  system = \"be brief\"\n}\n")
	host.eventually(applyWithin, "the change applies", host.says("a", "be brief"))
	if out, err = host.cli("turn", "show", "a", "c 1", "2", "--compose"); err != nil || !strings.Contains(out, "not known: the turn ran on revision") || strings.Contains(out, "be brief") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, err = host.cli("turn", "show", "a", "c 1", "1", "--sequence", "--json")
	var shown struct{ Turn struct{ Sequence int64 } }
	if err != nil || json.Unmarshal([]byte(out), &shown) != nil || shown.Turn.Sequence != 1 {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, err = host.cli("turn", "show", "a", "c 1", "9"); err == nil || !strings.Contains(out, "no such turn") {
		t.Errorf("%v:\n%s", err, out)
	}
}
