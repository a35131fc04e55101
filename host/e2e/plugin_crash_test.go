package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slowEcho makes the echo model stream slowly, so that a kill hits running turns.
const slowEcho = `
defaults {
  llm {
    provider       = "echo"
    token_delay_ms = 5
  }
}
`

// TestPluginCrash_isItsOwn kills each plugin while 50 conversations run. Only running calls may fail, and
// only with a retryable error. Later calls must succeed, and no reply may contain data of another tenant.
func TestPluginCrash_isItsOwn(t *testing.T) {
	for _, victim := range []string{"llm-echo", "memory-buffer", "storage-memory"} {
		t.Run(victim, func(t *testing.T) {
			host := start(t, slowEcho, nil)
			const conversations = 50
			for i := range 10 {
				host.put(fmt.Sprint("t", i), fmt.Sprintf(`{"prompts":{"system":"I am t%d."}}`, i))
			}
			var failed, succeeded atomic.Int32
			var stop atomic.Bool
			var wg sync.WaitGroup
			for c := range conversations {
				wg.Go(func() {
					tenant := fmt.Sprint("t", c%10)
					for n := 0; !stop.Load(); n++ {
						a, err := host.try(context.Background(), "POST", "/api/v1/chat",
							chatBody(fmt.Sprint("c", c), fmt.Sprintf("word of %s c%d n%d", tenant, c, n)), "X-Tenant-ID: "+tenant)
						switch {
						case err != nil:
							t.Errorf("the host went away: %v", err)
							return
						case a.Status == 200:
							succeeded.Add(1)
							for other := range 10 {
								if o := fmt.Sprintf("t%d", other); o != tenant && (strings.Contains(a.Reply, "I am "+o+".") || strings.Contains(a.Reply, "of "+o+" ")) {
									t.Errorf("%s was shown something of %s: %s", tenant, o, a.Reply)
								}
							}
						default:
							failed.Add(1)
							if !a.Retryable || a.Class == "" || a.Status < 409 {
								t.Errorf("not a clear retryable error: %d %s", a.Status, a.Body)
							}
						}
					}
				})
			}
			host.eventually(20*time.Second, "turns run", func() bool { return succeeded.Load() > 50 })
			before := host.plugins()
			if err := syscall.Kill(before[victim].PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			host.eventually(10*time.Second, "the plugin is back", func() bool {
				p := host.plugins()[victim]
				return p.State == "ready" && p.PID != before[victim].PID && p.Restarts == 1
			})
			// From now on every turn must succeed. Calls that were running get a second to report their
			// failure.
			time.Sleep(time.Second)
			then, ok := failed.Load(), succeeded.Load()
			host.eventually(20*time.Second, "turns succeed again", func() bool { return succeeded.Load() > ok+100 })
			if late := failed.Load() - then; late != 0 {
				t.Errorf("%d turns failed after the plugin was back", late)
			}
			stop.Store(true)
			wg.Wait()
			after := host.plugins()
			for name, p := range after {
				if name != victim && before[name].PID != p.PID {
					t.Errorf("%s was restarted too", name)
				}
			}
			if most := int32(2 * conversations); failed.Load() > most {
				t.Errorf("%d turns failed, more than were in flight", failed.Load())
			}
			if victim == "storage-memory" {
				if !strings.Contains(after[victim].LastError, "gone") && !strings.Contains(after[victim].LastError, "lost") {
					t.Errorf("the host does not say that state is gone: %q", after[victim].LastError)
				}
				if log := host.log.String(); !strings.Contains(log, "gone") && !strings.Contains(log, "lost") {
					t.Error("the log does not say that state is gone")
				}
			}
			t.Logf("%d succeeded, %d failed", succeeded.Load(), failed.Load())
		})
	}
}

// TestPluginCrash_hungPluginIsReplaced checks that the host replaces a plugin process that is stopped by
// SIGSTOP and does not respond.
func TestPluginCrash_hungPluginIsReplaced(t *testing.T) {
	host := start(t, echoDefaults+"plugin \"llm\" \"echo\" {\n  call_timeout = 2\n}\n", map[string]string{"a.hcl": "limits {\n  turn_timeout = 30\n}\n"})
	host.mustChat("a", "c", "one")
	pid := host.plugins()["llm-echo"].PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	host.eventually(40*time.Second, "a hung plugin is replaced", func() bool {
		p := host.plugins()["llm-echo"]
		return p.PID != pid && p.State == "ready"
	})
	host.mustChat("a", "c", "two")
	if alive(pid) {
		t.Error("the hung process is left")
	}
}

func TestPluginEnvironment(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.mustChat("a", "c", "x")
	for _, pid := range children(t, host.cmd.Process.Pid) {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if errors.Is(err, fs.ErrPermission) && os.Getuid() != 0 {
			t.Skip("only root sees what a plugin was started with: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(env), "HOST_ONLY_SECRET") || strings.Contains(string(env), "HOME=") {
			t.Errorf("process %d has %q", pid, env)
		}
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

// TestPluginCrash_endWithAKilledHost checks that plugin processes end by themselves when their host is
// killed.
func TestPluginCrash_endWithAKilledHost(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.mustChat("a", "c", "x")
	pids := children(t, host.cmd.Process.Pid)
	if len(pids) != 3 {
		t.Fatalf("%d plugins run", len(pids))
	}
	if err := host.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	host.eventually(5*time.Second, "the plugins end", func() bool {
		for _, pid := range pids {
			if alive(pid) {
				return false
			}
		}
		return true
	})
}

// children returns the ids of the child processes of pid.
func children(t *testing.T, pid int) []int {
	t.Helper()
	var out []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		f, err := os.Open(path)
		if err != nil {
			continue // the process ended meanwhile
		}
		line, _ := bufio.NewReader(f).ReadString('\n')
		_ = f.Close()
		var child, parent int
		var state string
		end := strings.LastIndexByte(line, ')')
		if end < 0 {
			continue
		}
		_, _ = fmt.Sscan(line, &child)
		if _, err := fmt.Sscan(line[end+1:], &state, &parent); err == nil && parent == pid {
			out = append(out, child)
		}
	}
	return out
}
