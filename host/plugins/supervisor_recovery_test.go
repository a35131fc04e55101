package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// illUntil returns settings under which a plugin with the mark until or muteuntil fails
// until heal is called.
func illUntil(t *testing.T) (settings config.PluginSettings, heal func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "well")
	t.Setenv("BOTYARD_TEST_UNTIL", path)
	return config.PluginSettings{Env: []string{"BOTYARD_TEST_UNTIL"}}, func() { put(t, path, nil) }
}

// askInVain requests the schema, which must fail, until the plugin is in the state.
func (h *host) askInVain(name string, state State) {
	h.t.Helper()
	eventually(h.t, 30*time.Second, name+" is "+string(state), func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := h.Schema(ctx, "llm", name)
		if err == nil {
			h.t.Fatalf("%s gave a schema", name)
		}
		return h.row(name).State == state
	})
}

// TestSupervisor_retriesThoughNobodyAsks checks that a failed plugin is started again
// although its caller was refused and no further call comes.
func TestSupervisor_retriesThoughNobodyAsks(t *testing.T) {
	for _, c := range []struct {
		mark      string
		isolation string
		state     State
		settings  config.PluginSettings
	}{
		{mark: "until", state: Quarantined},
		{mark: "until", state: Quarantined, isolation: isolationTenant},
		{mark: "muteuntil", settings: config.PluginSettings{StartTimeout: 500 * time.Millisecond}},
	} {
		t.Run(c.mark+" "+c.isolation, func(t *testing.T) {
			settings, heal := illUntil(t)
			settings.Isolation, settings.StartTimeout = c.isolation, c.settings.StartTimeout
			h := newHost(t, hostOptions{settings: settings, timing: func(tm *timing) { tm.quarantineRetry = 200 * time.Millisecond }}, "test="+c.mark)
			if c.state != "" {
				h.askInVain("test", c.state)
			} else {
				h.schemaError("test") // the call ends before the plugin is in quarantine
			}
			changes := h.Changes()
			defer changes.Close()
			heal()
			awaitChange(t, changes, "test", "0-"+c.mark)
			if c.isolation != "" {
				eventually(t, 10*time.Second, "the process that nobody needs ends", func() bool { return h.row("test").PID == 0 })
			}
			h.ask(h.open(Spec{Name: "test", Tenant: "t"}), "hello")
		})
	}
}

func TestQuarantine_ofCrashesIsRetriedThoughNobodyAsks(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.quarantineRetry, tm.quarantineAfter = 500*time.Millisecond, 2 }}, "test")
	i := h.open(Spec{Name: "test"})
	for range 2 {
		kill(t, h.pid(i))
		eventually(t, 10*time.Second, "the crash is noticed", func() bool { return h.row("test").Restarts > 0 && h.row("test").State != Backoff })
	}
	i.Close()
	eventually(t, 20*time.Second, "it is ready again", func() bool { return h.row("test").State == Ready && h.row("test").Restarts == 2 })
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestSupervisor_hostFaults checks that a plugin whose starts fail through the host's fault
// is never put into quarantine, and that it works soon after the fault is gone.
func TestSupervisor_hostFaults(t *testing.T) {
	descriptorsFree := func(n uint64) (restore func()) {
		var was syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
		low := was
		low.Cur = uint64(descriptors(t)) + n
		must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
		return func() { must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)) }
	}
	for name, begin := range map[string]func(t *testing.T, parent string) (end func()){
		"TMPDIR is gone": func(t *testing.T, parent string) func() {
			must(t, os.RemoveAll(parent), os.WriteFile(parent, nil, 0o600))
			return func() { must(t, os.Remove(parent)) }
		},
		"no descriptors":  func(*testing.T, string) func() { return descriptorsFree(0) },
		"few descriptors": func(*testing.T, string) func() { return descriptorsFree(6) },
		"disk full": func(t *testing.T, parent string) func() {
			ballast := filepath.Join(parent, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) && err != nil {
				t.Fatal(err)
			}
			return func() { must(t, os.Remove(ballast)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent := shortDir(t)
			if name == "disk full" {
				smallDisk(t, parent)
			}
			h := newHost(t, hostOptions{
				settings: config.PluginSettings{StartTimeout: time.Second},
				options:  func(o *Options) { o.RuntimeDir = parent },
				timing:   func(tm *timing) { tm.quarantineAfter, tm.pollEvery = 2, time.Hour },
			}, "test=tempfile")
			end := begin(t, parent)
			ended := false
			defer func() {
				if !ended {
					end()
				}
			}()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, err := h.Schema(ctx, "llm", "test")
			if f := fault.Of(err); f == nil || f.Party != fault.PartyHost || !strings.Contains(f.Message, "this host cannot start it") {
				t.Errorf("err = %v", err)
			}
			eventually(t, 30*time.Second, "it failed often", func() bool {
				return strings.Count(h.log.String(), "through no fault of its own") > 4
			})
			if st := h.row("test"); st.State == Quarantined || st.State == Failed || st.State == Ready {
				t.Errorf("status = %+v", st)
			}
			changes := h.Changes()
			defer changes.Close()
			end()
			ended = true
			awaitChange(t, changes, "test", "0-tempfile") // the plugin becomes ready without a call
			h.ask(h.open(Spec{Name: "test"}), "hello")
			if st := h.row("test"); st.State != Ready || st.Restarts != 0 {
				t.Errorf("status = %+v", st)
			}
		})
	}
}

// TestManager_Rescan_sameFileIsBack checks that a plugin leaves quarantine when its file is
// moved away and moved back.
func TestManager_Rescan_sameFileIsBack(t *testing.T) {
	settings, heal := illUntil(t)
	h := newHost(t, hostOptions{settings: settings, timing: func(tm *timing) { tm.quarantineRetry = time.Hour }}, "test=until")
	h.askInVain("test", Quarantined)
	path := filepath.Join(h.dir, "botyard-llm-test")
	must(t, os.Rename(path, path+".away"))
	eventually(t, 10*time.Second, "it is gone", func() bool { return len(h.Known("llm")) == 0 })
	heal()
	must(t, os.Rename(path+".away", path))
	eventually(t, 10*time.Second, "it is found", func() bool { return len(h.Known("llm")) == 1 })
	h.ask(h.open(Spec{Name: "test"}), "hello")
}

// TestManager_Rescan_refusedFileIsNotStarted checks that a file with a forbidden mode is
// not started again after a crash, although its checksum is unchanged.
func TestManager_Rescan_refusedFileIsNotStarted(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	path := filepath.Join(h.dir, "botyard-llm-test")
	must(t, os.Chmod(path, 0o757))
	eventually(t, 10*time.Second, "it is refused", func() bool {
		return strings.Contains(h.log.String(), "writable by everyone")
	})
	if got := h.pid(i); got != pid {
		t.Error("what ran was ended")
	}
	n := h.launcher.Launches()
	kill(t, pid)
	eventually(t, 10*time.Second, "the crash is noticed", func() bool { return strings.Contains(h.log.String(), "is not started again") })
	if rows := h.Status(); len(rows) != 1 || rows[0].State != Failed {
		t.Errorf("status = %+v", rows)
	}
	_, err := ask(context.Background(), i, "t", "hello")
	if f := fault.Of(err); f.Class != fault.PluginUnavailable || f.Party != fault.PartyHost || !strings.Contains(f.Message, "refused by this host") {
		t.Errorf("err = %v", err)
	}
	if h.launcher.Launches() != n {
		t.Error("it was started")
	}
	must(t, os.Chmod(path, 0o755))
	eventually(t, 10*time.Second, "it is ready without a call", func() bool { return h.row("test").State == Ready })
	h.ask(i, "hello")
}

func TestScanner_Scan_transientErrorHidesNothing(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.pollEvery = 50 * time.Millisecond }}, "test")
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
	low := was
	low.Cur = uint64(descriptors(t) - 1)
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	err := h.Rescan()
	known := h.Known("llm")
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was))
	if len(known) != 1 || err != nil {
		t.Errorf("found %v, %v", known, err)
	}
	putPlugin(t, h.dir, "new", "")
	h.ask(h.open(Spec{Name: "test"}), "hello")
	eventually(t, 10*time.Second, "the next scan sees all", func() bool { return len(h.Known("llm")) == 2 && !h.scanIncomplete.Load() })
}
