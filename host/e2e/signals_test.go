package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins"
)

// TestSignals_allProcesses sends a signal to the host and to its plugins at once, as systemd does by
// default. It checks that the plugins go on until the running turns have ended.
func TestSignals_allProcesses(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			host := start(t, `
defaults {
  llm {
    provider       = "echo"
    tokens         = 40
    token_delay_ms = 50
  }
  conversation_storage { backend = "sqlite" }
}
`, map[string]string{"a.hcl": ""})
			var done event
			told := false
			err := host.stream("a", `{"conversation_id":"c","message":"x","stream":true}`, func(e event) bool {
				if !told { // during the turn; the plugins get the signal first
					told = true
					pids := children(t, host.cmd.Process.Pid)
					if len(pids) < 3 {
						t.Errorf("%d plugins run", len(pids))
					}
					for _, pid := range append(pids, host.cmd.Process.Pid) {
						if err := syscall.Kill(pid, sig); err != nil {
							t.Error(err)
						}
					}
				}
				done = e
				return true
			})
			if err != nil || done.name != "done" {
				t.Errorf("the turn at work: %v, %+v", err, done)
			}
			select {
			case <-host.done:
			case <-time.After(60 * time.Second):
				t.Fatal("the host did not end")
			}
			if code := host.cmd.ProcessState.ExitCode(); code != 0 || strings.Contains(host.log.String(), "plugin failed") {
				t.Errorf("exit code %d:\n%s", code, host.log)
			}
			host.run() // starts the host again to read the stored turn
			if kept := host.turns("a", "c"); len(kept) != 1 {
				t.Errorf("kept: %+v", kept)
			}
		})
	}
}

// TestSignals_pluginsOutliveThem checks that plugins ignore SIGTERM, SIGINT and SIGHUP while their host
// runs.
func TestSignals_pluginsOutliveThem(t *testing.T) {
	m, err := plugins.New(plugins.Options{Dirs: []string{filepath.Join(binaries, "plugins")}, RuntimeDir: shortDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	asked := 0
	for _, kind := range []string{"llm", "memory", "storage"} {
		for _, name := range m.Known(kind) {
			if _, err := m.Schema(t.Context(), kind, name); err != nil {
				t.Error(err)
			}
			asked++
		}
	}
	rows := m.Status()
	if len(rows) != asked || asked < 6 {
		t.Fatalf("%d plugins run of %d", len(rows), asked)
	}
	for _, row := range rows {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
			if err := errors.Join(syscall.Kill(row.PID, sig), delivered(row.PID)); err != nil {
				t.Errorf("%s-%s, %s: %v", row.Kind, row.Name, sig, err)
			}
		}
	}
	time.Sleep(200 * time.Millisecond) // usually long enough to notice that a process has ended
	for i, now := range m.Status() {
		if was := rows[i]; now.PID != was.PID || now.Restarts != 0 || now.State != plugins.Ready {
			t.Errorf("%s-%s was process %d and is %+v", was.Kind, was.Name, was.PID, now)
		}
	}
}

// delivered waits until the process has no pending signal. It returns an error if the process has ended.
func delivered(pid int) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return err
		}
		if strings.Contains(string(status), "State:\tZ") {
			return errors.New("it has ended")
		}
		if strings.Contains(string(status), "ShdPnd:\t0000000000000000") {
			return nil
		}
	}
	return errors.New("the signal was not delivered")
}
