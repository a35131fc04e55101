package e2e

import (
	"context"
	"fmt"
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
