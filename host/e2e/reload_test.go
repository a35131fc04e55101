package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
