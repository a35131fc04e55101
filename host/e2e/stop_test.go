package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStop_readyzFailsFirst checks that during shutdown_delay only /readyz fails, and everything else
// works.
func TestStop_readyzFailsFirst(t *testing.T) {
	t.Parallel()
	host := prepareHost(t, "shutdown_delay = 600\n"+echoDefaults, map[string]string{"a.hcl": ""})
	host.runUntilTheEnd()
	_ = host.cmd.Process.Signal(syscall.SIGTERM)
	host.eventually(30*time.Second, "it is not ready", func() bool { return host.do("GET", "/readyz", "").Status == 503 })
	host.mustChat("a", "c", "hello")
	host.put("b", "{}")
	if a := host.do("GET", "/healthz", ""); a.Status != 200 {
		t.Errorf("%d", a.Status)
	}
	host.stop(syscall.SIGTERM) // a second signal ends the delay

	host = prepareHost(t, "shutdown_delay = 1\n"+echoDefaults, map[string]string{"a.hcl": ""})
	host.runUntilTheEnd()
	host.ends(syscall.SIGTERM)
}

// TestStop_isBounded checks that a host stops in time although a plugin or the read of a file hangs.
func TestStop_isBounded(t *testing.T) {
	hang := func(t *testing.T, host *hostProcess, plugin string) {
		t.Helper()
		pid := host.plugins()[plugin].PID
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
			host := start(t, "shutdown_grace = 1\nregistry {\n storage { backend = \"sqlite\" }\n}\n"+
				"defaults {\n llm { provider = \"echo\" }\n conversation_storage { backend = \"sqlite\" }\n}\n", map[string]string{"a.hcl": ""})
			host.put("b", "{}")
			host.mustChat("a", "c", "hello")
			host.mustChat("b", "c", "hello")
			hang(t, host, plugin)
			for _, tenant := range []string{"a", "b"} {
				go func() {
					_, _ = host.try(t.Context(), "POST", "/api/v1/chat", chatBody("c", "m"), "X-Tenant-ID: "+tenant)
				}()
			}
			host.stop(syscall.SIGTERM)
		})
	}
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		host := prepareHost(t, echoDefaults, nil)
		fifo := filepath.Join(host.dir, "overlay.hcl")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		host.args = []string{"--overlay", fifo, "--log-level", "debug"}
		host.launch()
		host.endWithTheTest()
		time.Sleep(500 * time.Millisecond) // the host probably hangs in the read by now; a stop must work at any time
		host.stop(syscall.SIGTERM)
	})
}

// TestSystemdUnit checks that the example's unit file is valid, that a host starts with its command, and
// that TimeoutStopSec is longer than the longest stop.
func TestSystemdUnit(t *testing.T) {
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
	host := prepareHost(t, echoDefaults, map[string]string{"a.hcl": ""})
	program := filepath.Join(binaries, "botyard")
	command := strings.NewReplacer("/usr/local/bin/botyard", program, "/etc/botyard/", host.dir+"/").Replace(unit["ExecStart"])
	words := strings.Fields(command)
	host.args = words[2:] // repeats flags of the host's command; the last value of a flag counts
	for variable := range strings.FieldsSeq(unit["Environment"]) {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(value, "/") {
			value = host.dir
		}
		host.env = append(host.env, name+"="+value)
	}
	host.runUntilTheEnd()
	host.mustChat("a", "c", "hello")
	host.ends(syscall.SIGTERM)

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not here")
	}
	path := filepath.Join(host.dir, "botyard.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), "/usr/local/bin/botyard", program)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), "botyard.service:") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestStop_order checks a stop by SIGTERM: /readyz fails, running turns finish, plugin processes end, and
// no temporary files remain.
func TestStop_order(t *testing.T) {
	host := start(t, `
defaults {
  llm {
    provider       = "echo"
    tokens         = 40
    token_delay_ms = 50
  }
}
`, map[string]string{"a.hcl": ""})
	first, ended := make(chan bool, 1), make(chan error, 1)
	var done event
	go func() {
		ended <- host.stream("a", `{"conversation_id":"c","message":"x","stream":true}`, func(e event) bool {
			select {
			case first <- true:
			default:
			}
			done = e
			return true
		})
	}()
	<-first
	pids := children(t, host.cmd.Process.Pid)
	if len(pids) == 0 {
		t.Fatal("no plugin runs")
	}
	if err := host.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	host.eventually(2*time.Second, "/readyz fails", func() bool {
		a, err := host.try(context.Background(), "GET", "/readyz", "")
		return err != nil || a.Status == 503
	})
	if err := <-ended; err != nil || done.name != "done" {
		t.Errorf("the running turn: %v, %+v", err, done)
	}
	select {
	case <-host.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the host did not end")
	}
	if code := host.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("plugin %d is left", pid)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(host.dir, "t", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
