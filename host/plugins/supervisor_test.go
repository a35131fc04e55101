package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"golang.org/x/sys/unix"
)

func TestSupervisor_killedUnderLoad(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	const calls = 50
	errs := make([]error, calls)
	var all sync.WaitGroup
	for n := range calls {
		all.Go(func() { _, errs[n] = ask(context.Background(), i, "t", "sleep 1m") })
	}
	eventually(t, 5*time.Second, "all are in the plugin", func() bool { return h.row("test").Calls == calls })
	time.Sleep(100 * time.Millisecond)
	kill(t, pid)
	// Calls that begin after the crash wait for the next process.
	for range 20 {
		all.Go(func() {
			if _, err := ask(context.Background(), i, "t", "hello"); err != nil && !strings.Contains(err.Error(), "during the call") {
				t.Errorf("a call after the crash: %v", err)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		f := fault.Of(err)
		if f == nil || f.Class != fault.PluginUnavailable || !f.Retryable ||
			!strings.Contains(f.Message, "llm plugin test") || !strings.Contains(f.Message, "the plugin process ended during the call") ||
			!strings.Contains(f.Message, "killed") {
			t.Fatalf("err = %v", err)
		}
	}
	if got := h.ask(i, "hello"); got != "echo: hello" {
		t.Errorf("reply = %q", got)
	}
	if st := h.row("test"); st.Restarts != 1 || st.PID == pid {
		t.Errorf("status = %+v", st)
	}
}

// TestSupervisor_noCallAfterACrashFails checks that calls that begin after the process has
// ended succeed on the next process, even if the host does not yet know that the process
// has ended.
func TestSupervisor_noCallAfterACrashFails(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.quarantineAfter = 100 }}, "test")
	i := h.open(Spec{Name: "test"})
	for range 5 {
		pid := h.pid(i)
		kill(t, pid)
		awaitDeath(t, pid)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := ask(context.Background(), i, "t", "hello"); err != nil {
					t.Errorf("a call that began after the crash: %v", err)
				}
			})
		}
		all.Wait()
	}
}

func TestProbe_stoppedPluginIsReplaced(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) {
		tm.probeEvery, tm.probeDeadline, tm.probeAgain = 200*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
	}}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	stop(t, pid)
	_, err := ask(context.Background(), i, "t", "hello") // the call has no deadline
	if !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "health probes") {
		t.Errorf("the call on the stopped process: %v", err)
	}
	if got := h.pid(i); got == pid {
		t.Error("the stopped process was not replaced")
	}
}

// TestProbe_afterADeadline checks that a call that exceeds its deadline causes a probe,
// which finds the hung plugin although the regular probes are an hour apart.
func TestProbe_afterADeadline(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) {
		tm.probeEvery, tm.probeDeadline, tm.probeAgain = time.Hour, 200*time.Millisecond, 10*time.Millisecond
	}}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	stop(t, pid)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, i, "t", "hello"); !fault.Is(err, fault.Deadline) {
		t.Errorf("err = %v", err)
	}
	eventually(t, 5*time.Second, "the hung process is killed", func() bool { return !alive(pid) })
	h.ask(i, "hello")
}

func TestOrphans_childrenOfAPlugin(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=children")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	children := func() int {
		n := 0
		entries, _ := os.ReadDir("/proc")
		for _, e := range entries {
			stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
			if err != nil {
				continue
			}
			_, rest, _ := strings.Cut(string(stat), ") ")
			fields := strings.Fields(rest)
			if len(fields) > 2 && fields[0] != "Z" && fields[2] == itoa(pid) {
				n++
			}
		}
		return n
	}
	if n := children(); n != 2 {
		t.Fatalf("%d processes in the group, want 2", n)
	}
	kill(t, pid)
	awaitDeath(t, pid)
	h.ask(i, "hello") // the call needs a new process, although the child holds the old pipes
	eventually(t, 5*time.Second, "the child ends", func() bool { return children() == 0 })
}

// TestSupervisor_restartsOnlyWhenUsed checks that a crashed plugin is started again without
// a call only if one of its instances is held.
func TestSupervisor_restartsOnlyWhenUsed(t *testing.T) {
	h := newHost(t, hostOptions{}, "used", "unused")
	used, unused := h.open(Spec{Name: "used"}), h.open(Spec{Name: "unused"})
	pid := h.pid(used)
	kill(t, pid)
	eventually(t, 5*time.Second, "the restart", func() bool { st := h.row("used"); return st.State == Ready && st.PID != pid })
	pid = h.pid(unused)
	unused.Close()
	kill(t, pid)
	eventually(t, 5*time.Second, "the crash is noticed", func() bool { return h.row("unused").State == Backoff })
	time.Sleep(200 * time.Millisecond)
	if st := h.row("unused"); st.PID != 0 {
		t.Errorf("status = %+v", st)
	}
	h.ask(h.open(Spec{Name: "unused"}), "hello")
}

func TestSupervisor_exclusivePluginTellsWhatItLost(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Millisecond }}, "test=exclusive")
	i := h.open(Spec{Name: "test"})
	i.Close()
	time.Sleep(50 * time.Millisecond)
	again := h.open(Spec{Name: "test"})
	if got := h.ask(again, "opened"); got != "1" {
		t.Errorf("a pause made it drop its state: opened %s times", got)
	}
	pid := h.pid(again)
	kill(t, pid)
	awaitDeath(t, pid)
	h.ask(again, "hello")
	if st := h.row("test"); !strings.Contains(st.LastError, "state lost") {
		t.Errorf("status = %+v", st)
	}
}

func TestManager_isolationByTenant(t *testing.T) {
	h := newHost(t, hostOptions{
		settings: config.PluginSettings{Isolation: "tenant"},
		options:  func(o *Options) { o.IdleRelease = 100 * time.Millisecond },
	}, "test")
	if _, err := h.Schema(context.Background(), "llm", "test"); err != nil {
		t.Fatal(err)
	}
	a, b := h.open(Spec{Name: "test", Tenant: "a"}), h.open(Spec{Name: "test", Tenant: "b"})
	a2 := h.open(Spec{Name: "test", Tenant: "a", Config: []byte(`{"secret":"x"}`)})
	pa, pb, pa2 := h.pid(a), h.pid(b), h.pid(a2)
	if pa == pb || pa != pa2 {
		t.Errorf("processes: a %d, b %d, a again %d", pa, pb, pa2)
	}
	if a.ID() == b.ID() {
		t.Error("two tenants have one instance")
	}
	a.Close()
	b.Close()
	eventually(t, 5*time.Second, "b's process ends with its last instance", func() bool { return !alive(pb) })
	if !alive(pa) {
		t.Error("a's process ended with an instance in use")
	}
	a2.Close()
	eventually(t, 5*time.Second, "a's process ends", func() bool { return !alive(pa) })
	h.pid(h.open(Spec{Name: "test", Tenant: "a"}))
	if _, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test"}); err == nil {
		t.Error("no tenant was named")
	}
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

// awaitDeath waits until the last thread of the process has ended. The process looks like a
// zombie in ps as soon as its first thread has ended, so the state is not enough.
func awaitDeath(t testing.TB, pid int) {
	t.Helper()
	eventually(t, 5*time.Second, "the process is dead", func() bool {
		_, err := os.Stat("/proc/" + itoa(pid))
		return err != nil || hasEnded(pid)
	})
}

// hasEnded reports whether the child process has ended, reaped or not.
func hasEnded(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return info.Signo != 0 || errors.Is(err, unix.ECHILD)
}

// stop sends SIGSTOP to the process, and waits until all its threads are stopped.
func stop(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the process is stopped", func() bool {
		threads, _ := filepath.Glob("/proc/" + itoa(pid) + "/task/*/stat")
		for _, path := range threads {
			stat, err := os.ReadFile(path)
			if _, rest, _ := strings.Cut(string(stat), ") "); err == nil && !strings.HasPrefix(rest, "T") {
				return false
			}
		}
		return true
	})
}
