package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestABalancerSeesTheEndBeforeItComes holds that shutdown_delay lets everything go on
// but readiness.
func TestABalancerSeesTheEndBeforeItComes(t *testing.T) {
	t.Parallel()
	y := lay(t, "shutdown_delay = 600\n"+echoDefaults, map[string]string{"a.hcl": ""})
	y.runUntilTheEnd()
	_ = y.cmd.Process.Signal(syscall.SIGTERM)
	y.eventually(30*time.Second, "it is not ready", func() bool { return y.do("GET", "/readyz", "").Status == 503 })
	y.mustChat("a", "c", "hello")
	y.put("b", "{}")
	if a := y.do("GET", "/healthz", ""); a.Status != 200 {
		t.Errorf("%d", a.Status)
	}
	y.stop(syscall.SIGTERM) // the second leaves no more time

	y = lay(t, "shutdown_delay = 1\n"+echoDefaults, map[string]string{"a.hcl": ""})
	y.runUntilTheEnd()
	y.ends(syscall.SIGTERM)
}

// TestTheEndIsBounded has hosts told to stop while something in them hangs.
func TestTheEndIsBounded(t *testing.T) {
	hang := func(t *testing.T, y *yard, plugin string) {
		t.Helper()
		pid := y.plugins()[plugin].PID
		if pid == 0 {
			t.Fatalf("there is no %s", plugin)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	}
	for _, plugin := range []string{"llm-echo", "storage-sqlite"} {
		t.Run(plugin, func(t *testing.T) {
			t.Parallel()
			y := start(t, "shutdown_grace = 1\nregistry {\n storage { backend = \"sqlite\" }\n}\n"+
				"defaults {\n llm { provider = \"echo\" }\n conversation_storage { backend = \"sqlite\" }\n}\n", map[string]string{"a.hcl": ""})
			y.put("b", "{}")
			y.mustChat("a", "c", "hello")
			y.mustChat("b", "c", "hello")
			hang(t, y, plugin)
			for _, tenant := range []string{"a", "b"} {
				go func() { _, _ = y.try(t.Context(), "POST", "/api/v1/chat", chatBody("c", "m"), "X-Tenant-ID: "+tenant) }()
			}
			y.stop(syscall.SIGTERM)
		})
	}
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		y := lay(t, echoDefaults, nil)
		fifo := filepath.Join(y.dir, "overlay.hcl")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		y.args = []string{"--overlay", fifo, "--log-level", "debug"}
		y.launch()
		y.endWithTheTest()
		time.Sleep(500 * time.Millisecond) // it reads, as far as it comes; sooner or later must do
		y.stop(syscall.SIGTERM)
	})
}

// TestTheUnitForSystemd holds that the unit is one, that its command is one of this
// program, and that it gives a stop the time that it takes.
func TestTheUnitForSystemd(t *testing.T) {
	b, err := os.ReadFile("../../configs/examples/botyard.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && line[0] != '#' {
			unit[key] = value
		}
	}
	if unit["KillMode"] != "mixed" || unit["Type"] != "exec" {
		t.Errorf("%v", unit)
	}
	left, err := time.ParseDuration(unit["TimeoutStopSec"] + "s")
	if most := (5 + 20 + 22) * time.Second; err != nil || left <= most {
		t.Errorf("TimeoutStopSec is %s, %v; a stop takes up to %s", left, err, most)
	}
	y := lay(t, echoDefaults, map[string]string{"a.hcl": ""})
	program := filepath.Join(binaries, "botyard")
	command := strings.NewReplacer("/usr/local/bin/botyard", program, "/etc/botyard/", y.dir+"/").Replace(unit["ExecStart"])
	words := strings.Fields(command)
	y.args = words[2:] // again: what is given twice counts as it is given last
	for variable := range strings.FieldsSeq(unit["Environment"]) {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(value, "/") {
			value = y.dir
		}
		y.env = append(y.env, name+"="+value)
	}
	y.runUntilTheEnd()
	y.mustChat("a", "c", "hello")
	y.ends(syscall.SIGTERM)

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not here")
	}
	path := filepath.Join(y.dir, "botyard.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), "/usr/local/bin/botyard", program)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), "botyard.service:") {
		t.Errorf("%v\n%s", err, out)
	}
}
